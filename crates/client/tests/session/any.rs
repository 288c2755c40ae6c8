//! Any mixture of losses, refusals, crashes and restores.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use semel_client::MemoryStore;
use tokio::runtime::Builder;

use crate::{
    begin,
    world::{Act, World},
};

#[derive(Clone, Debug)]
enum Step {
    Say(u8),
    Wait(u64),
    Crash,
    Cut,
    Restore(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => Just(Act::Answer),
        1 => Just(Act::LoseAnswer),
        1 => Just(Act::LoseRequest),
        1 => (0..4_usize, proptest::option::of(1..500_u64))
            .prop_map(|(count, wait)| Act::Busy(count, wait)),
    ];
    prop::collection::vec(act, 0..20)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..4_u8).prop_map(Step::Say),
        3 => (0..300_u64).prop_map(Step::Wait),
        2 => Just(Step::Crash),
        1 => Just(Step::Cut),
        1 => (0..10_usize).prop_map(Step::Restore),
    ];
    prop::collection::vec(step, 1..20)
}

/// Runs a device through all of it; what is stored at the end, what was said, and everything that was seen.
async fn run(steps: &[Step], acts: &[Act]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let world = World::new(acts.iter().cloned());
    let store = Arc::new(MemoryStore::new());
    let mut lives = vec![begin(&world, store.clone())];
    let mut said = vec![];
    for step in steps {
        let life = lives.last().unwrap();
        match step {
            Step::Say(count) => {
                for _ in 0..*count {
                    said.push(format!("m{:03}", said.len()));
                    life.enqueue(said.last().unwrap()).await;
                }
            }
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Step::Crash => {
                life.session.crash().await;
                lives.push(begin(&world, store.clone()));
            }
            Step::Cut => life.session.cut().await,
            Step::Restore(messages) => world.restore(*messages),
        }
    }
    world.script([]);
    said.push("last".to_owned());
    lives.last().unwrap().send("last").await;
    assert!(store.kept().outgoing.is_empty());
    let seen = lives.iter().flat_map(|life| life.seen.lines()).collect();
    (world.stored(), said, seen)
}

fn in_paused_time<T>(run: impl Future<Output = T>) -> T {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.unwrap().block_on(run)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Everything that was said is there once, in its order; and the same run goes the same way again.
    #[test]
    fn ec_m04_p_sync_4_nothing_is_lost_or_doubled_whatever_happens(steps in steps(), acts in acts()) {
        let (stored, said, seen) = in_paused_time(run(&steps, &acts));
        prop_assert_eq!(&stored, &said);
        let (again, _, seen_again) = in_paused_time(run(&steps, &acts));
        prop_assert_eq!(stored, again);
        prop_assert_eq!(seen, seen_again);
    }
}
