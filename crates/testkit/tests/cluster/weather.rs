//! Every case in every weather: one cluster for each weather, on which the cases run side by side, each with people of its own.

use std::{pin::Pin, sync::Arc, time::Instant};

use semel_services::or_skip;
use semel_testkit::cluster::{Cluster, Plan};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, block_in_place},
};

use crate::{
    database, delivery, keys, messages, races,
    scene::{Scene, Weather, look},
    threads,
};

/// How many cases run at a time: most of the time they wait.
const TOGETHER: u32 = 4;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
/// What is tried, by its name.
type Case = (&'static str, fn(Arc<Scene>) -> Running);

macro_rules! cases {
    ($($module:ident::$case:ident,)*) => {
        [$((stringify!($case), |scene| Box::pin($module::$case(scene)))),*]
    };
}

#[rustfmt::skip]
const CASES: [Case; 28] = cases![
    races::req_a1_req_a6_ec_v01_ec_c07_story_c3_story_c4_creating_a_direct_thread_at_three_servers,
    races::req_a8_ec_v01_ec_c07_starting_a_direct_thread_at_three_servers,
    races::req_a2_req_a3_req_a6_creating_a_group_at_three_servers,
    races::req_a2_req_a3_req_a8_starting_a_group_at_three_servers,
    keys::ec_c02_ec_f13_req_c4_story_d7_one_key_at_three_servers_at_once_has_one_effect,
    keys::ec_c05_ec_h11_another_request_with_the_key_is_refused_at_every_server,
    keys::ec_h13_the_same_key_with_another_query_is_refused_at_every_server,
    keys::ec_r01_ec_r02_ec_h19_every_method_is_replayed_at_other_servers,
    keys::ec_r04_ec_r05_refusals_are_replayed_elsewhere_and_401_is_not,
    keys::ec_x01_ec_x05_keys_belong_to_their_user_and_forget_what_was_deleted_at_every_server,
    keys::ec_f04_ec_f08_who_hangs_up_gets_the_one_result_at_another_server,
    keys::ec_f05_who_hangs_up_in_the_body_has_done_nothing_at_any_server,
    keys::ec_x07_ec_x08_ec_x10_ec_m11_an_expired_key_is_taken_over_once_at_three_servers,
    messages::ec_m01_ec_m08_ec_m13_ec_m14_story_d1_story_d4_a_hundred_times_at_three_servers_is_one_message,
    messages::ec_m02_ec_m04_ec_m05_ec_m07_ec_m16_client_ids_mean_the_same_at_every_server,
    messages::ec_m10_a_retry_with_a_new_token_at_another_server_is_the_same_message,
    messages::ec_m19_a_reaction_from_three_servers_is_there_once_and_gone_once,
    messages::ec_m20_req_b8_a_batch_that_is_repeated_elsewhere_is_stored_once_in_its_order,
    messages::ec_m22_req_b7_story_d3_a_draft_is_sent_again_to_another_server_and_is_one_message,
    messages::req_b6_a_read_position_from_three_servers_only_grows,
    threads::ec_v02_ec_v04_ec_v10_story_c7_the_same_people_have_their_thread_at_every_server,
    threads::ec_v05_ec_v13_large_sets_and_two_kinds_of_two_have_one_thread_each,
    threads::ec_k05_ec_k06_story_c10_whoever_is_added_by_many_comes_in_once,
    threads::req_a10_two_groups_that_become_the_same_people_at_once_are_not_both_found,
    threads::ec_x04_req_a11_who_was_removed_gets_their_own_answer_again_and_nothing_new,
    delivery::ec_o04_ec_o05_ec_o07_ec_o08_story_o3_what_is_said_at_three_servers_is_heard_at_each_in_one_order,
    delivery::story_l6_changes_reach_devices_at_other_servers_in_their_places,
    delivery::req_b5_story_d15_story_l4_story_l7_a_device_that_moves_between_servers_misses_nothing,
];

/// Each of these has the servers for itself.
#[rustfmt::skip]
const ALONE: [Case; 4] = cases![
    database::ec_c04_story_d7_repeats_elsewhere_wait_for_a_slow_first_or_are_told_to_try_again,
    database::ec_c08_ec_m13_ec_m14_what_the_database_undoes_is_done_again_and_has_one_effect,
    database::ec_f07_a_thousand_calls_that_are_given_up_leave_no_transaction_open,
    database::ec_f11_ec_r07_without_room_for_the_answer_there_is_no_effect,
];

/// Picks cases by a part of their names, for whoever mends one. Servers take what begins with `SEMEL_` for theirs.
const ONLY: &str = "CLUSTER_CASE";

async fn every_case(weather: Weather) {
    let plan = Plan {
        environment: vec![look()],
        ..Plan::default()
    };
    let Some(cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    if weather == Weather::Gone {
        let redis = cluster.redis.as_ref().expect("it is planned");
        block_in_place(|| redis.kill()).expect("it can be killed");
    }
    let cluster = Arc::new(cluster);
    let only = std::env::var(ONLY).unwrap_or_default();
    let beside = CASES.into_iter().map(|case| (1, case));
    let alone = ALONE.into_iter().map(|case| (TOGETHER, case));
    let mut picked: Vec<(u32, Case)> = beside.chain(alone).collect();
    picked.retain(|(_, (name, _))| name.contains(&only));
    assert!(!picked.is_empty(), "no case has {ONLY}={only} in its name");
    let places = Arc::new(Semaphore::new(TOGETHER as usize));
    let mut runs = JoinSet::new();
    for (number, (takes, (name, case))) in (1..).zip(picked) {
        let scene = Scene::of(Arc::clone(&cluster), weather, format!("case-{number}"));
        let (places, case) = (Arc::clone(&places), case(Arc::new(scene)));
        runs.spawn(async move {
            let _places = places.acquire_many(takes).await.expect("it stays open");
            run(name, case).await
        });
    }
    let failed: Vec<_> = runs.join_all().await.into_iter().flatten().collect();
    assert!(
        failed.is_empty(),
        "{weather:?}: {failed:#?} failed; see above"
    );
}

/// Runs a case in a task of its own; its name if it fails.
#[expect(
    clippy::print_stdout,
    reason = "whoever runs the tests sees how far they are"
)]
async fn run(name: &'static str, case: Running) -> Option<&'static str> {
    let started = Instant::now();
    let is_ok = tokio::spawn(case).await.is_ok();
    let (word, time) = (if is_ok { "ok" } else { "FAILED" }, started.elapsed());
    println!("{word} {:.1} s {name}", time.as_secs_f32());
    (!is_ok).then_some(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_with_redis() {
    every_case(Weather::Fair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_while_redis_forgets() {
    every_case(Weather::Forgetful).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_without_redis() {
    every_case(Weather::Gone).await;
}
