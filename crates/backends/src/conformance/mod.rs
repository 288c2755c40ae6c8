//! What every engine must do, written once. An engine runs all of it with `conformance!(ItsEngine)`.

pub(crate) mod apart;
pub(crate) mod behaviour;
pub(crate) mod damage;
pub(crate) mod erasure;
pub(crate) mod invites;
pub(crate) mod lists;
pub(crate) mod people;
pub(crate) mod pictures;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod safety;
pub(crate) mod sign_in;
pub(crate) mod steps;
pub(crate) mod telling;
pub(crate) mod traces;
pub(crate) mod world;

use std::sync::Arc;

use async_trait::async_trait;
use semel_core::{
    Changes, Key, Rows,
    ports::Ledger,
    sign_in::{IdentityKind, IdentityRow},
};
use semel_protocol::Timestamp;
use world::{World, user};

/// An engine under test, with a database of its own that goes away with it.
#[async_trait]
pub(crate) trait Engine: Send + Sync + Sized {
    /// Whether this machine has what the engine needs; if not, it has told so.
    fn is_there() -> bool {
        true
    }
    /// An empty database.
    fn new(world: World) -> Self;
    /// Around it.
    fn world(&self) -> &World;
    /// The ledger on it.
    fn ledger(&self) -> Arc<dyn Ledger>;
    /// Stores changes past the ledger, which has been asked nothing yet.
    fn store(&self, changes: &Changes);
    /// Stops it in an orderly way and starts it again.
    async fn reopen(&mut self);
    /// Stops it without a word and starts it again.
    async fn crash(&mut self);
    /// What its own checks of the database find.
    fn findings(&self) -> Vec<String>;
}

/// Gives people a way to sign in, whom nobody has brought in yet.
pub(crate) async fn let_sign_in<E: Engine>(engine: &mut E, names: &[&str]) {
    let mut changes = Changes::default();
    for name in names {
        let identity = IdentityRow {
            user_id: user(name),
            label: (*name).to_owned(),
            verified_at: Some(Timestamp(1)),
            created_at: Timestamp(1),
        };
        let key = (IdentityKind::Email, format!("{name}@example.org"));
        changes.identities.push((key, Some(identity)));
    }
    engine.store(&changes);
    engine.reopen().await;
}

/// Loads keys through the ledger's port.
pub(crate) async fn load(ledger: &dyn Ledger, keys: &[Key]) -> Rows {
    let mut waiting = keys.to_vec();
    waiting.reverse();
    let (sender, receiver) = std::sync::mpsc::channel();
    let question = move |rows: &Rows| {
        if let Some(key) = waiting.pop() {
            return Err(key);
        }
        sender.send(rows.clone()).expect("the test waits");
        Ok(())
    };
    ledger
        .answer(Box::new(question))
        .await
        .expect("a question is answered");
    receiver.try_recv().expect("the question was asked")
}

/// The list of all tests of the suite.
macro_rules! conformance {
    ($engine:ty) => {
        crate::conformance::conformance!(@list $engine,
            rows: every_kind_of_row_comes_back, what_is_absent_is_known_to_be, every_fact_comes_back,
                a_changed_row_replaces_the_old_one, a_row_that_breaks_a_rule_is_refused_whole;
            lists: contacts_page, threads_page_newest_first_without_hidden_ones, standing_pages, entries_page_with_their_messages,
                messages_fill_their_interval,
                messages_are_found_whatever_stands_between_them, stored_answers_are_found_by_message_and_time, a_persons_log_is_read_line_by_line_and_page_by_page;
            sign_in: rows_of_signing_in_come_back_and_go, what_is_absent_of_signing_in_is_known_to_be,
                lists_of_signing_in_name_what_they_say, req_d2_of_a_hundred_guesses_at_once_five_are_compared,
                req_d2_two_right_guesses_at_once_bring_one_session,
                p_auth_14_an_answer_that_many_bring_at_once_is_taken_up_by_one,
                req_d2_a_number_that_many_sign_in_with_at_once_is_one_person,
                req_d2_a_refresh_that_many_ask_for_turns_once, req_d2_sessions_of_others_cannot_be_ended,
                what_is_due_is_taken_by_one_worker, a_person_is_made_with_their_number;
            people: rows_of_finding_people_come_back_and_go, of_many_who_want_one_handle_one_gets_it,
                a_handle_that_was_given_up_is_kept_and_then_free, looking_is_counted_over_a_restart;
            apart: lists_of_blocks_say_who_is_in_them, p_block_2_a_block_against_sends,
                p_block_2_a_block_against_a_first_message, both_block_each_other_at_once,
                p_thread_9_a_removal_against_sends, own_names_and_preferences_survive;
            safety: what_operators_did_comes_back_newest_first, who_was_suspended_lately_is_listed,
                p_operator_2_a_suspension_against_sends, a_deed_is_written_down_with_its_effect_and_once;
            reports: rows_of_reports_come_back_and_go, reports_page_with_the_open_ones_first,
                p_report_2_one_report_however_often_it_is_made_at_once,
                p_report_4_of_two_who_resolve_a_report_at_once_one_does,
                p_report_4_a_suspension_by_a_report_against_sends,
                p_operator_6_of_operators_who_take_each_others_right_at_once_one_stays,
                p_operator_6_a_suspension_against_who_gives_up_the_right_leaves_one,
                p_operator_6_who_cannot_sign_in_here_becomes_no_operator_and_is_none_who_stays;
            erasure: rows_of_erasures_come_back_and_go, seats_are_listed_also_where_somebody_is_out,
                p_erase_3_an_erasure_goes_on_after_every_crash, p_erase_3_many_who_erase_one_at_once_do_it_once,
                p_erase_1_an_erasure_against_sends, p_erase_2_nobody_begins_anything_with_an_erased_person,
                p_erase_4_of_operators_who_erase_each_other_at_once_one_stays;
            telling: rows_of_tellings_come_back_and_go, p_profile_1_a_telling_goes_on_after_every_crash,
                p_profile_1_many_who_tell_at_once_tell_everybody_once;
            invites: rows_of_links_come_back_and_go, lists_of_links_are_of_their_thread_newest_first,
                p_invite_5_of_a_hundred_at_once_as_many_join_as_a_link_lets_in,
                p_invite_5_one_person_who_joins_many_times_at_once_joins_once,
                p_invite_5_joins_against_a_revocation, p_invite_5_a_join_survives_a_crash_with_its_use,
                what_is_wrong_with_links_is_found;
            pictures: rows_of_pictures_come_back_and_go, p_picture_2_one_picture_however_often_it_comes_at_once,
                p_picture_6_a_picture_goes_when_nobody_has_it, p_picture_6_clearing_away_against_who_takes_a_picture,
                what_is_wrong_with_pictures_is_found, pictures_of_a_person_are_listed;
            traces: who_is_in_a_thread_with_whom_is_found, p_erase_5_what_was_answered_shown_and_given_up_goes,
                p_picture_4_a_picture_is_for_who_uploaded_it;
            behaviour: req_b1_a_send_happens_once_also_after_a_restart, req_b3_an_acknowledged_send_survives_a_crash,
                a_refused_action_leaves_nothing, req_c2_effect_and_answer_are_stored_together,
                ec_x07_an_answer_expires, ec_x08_an_expired_row_is_taken_over, ec_x05_deleting_erases_stored_answers,
                ec_c01_one_key_at_once_has_one_effect,
                ec_c10_parallel_writers_all_succeed, ec_f04_a_dropped_call_still_commits,
                req_a6_many_callers_get_one_thread, ec_m13_numbers_stay_dense_under_retries,
                news_comes_in_order_and_agrees_with_the_log, a_panic_ends_one_command_only,
                a_closing_ledger_answers_what_it_has;
        );
    };
    (@list $engine:ty, $($module:ident: $($test:ident),*;)*) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if !<$engine as crate::conformance::Engine>::is_there() {
                return;
            }
            let world = crate::conformance::world::World::default();
            let engine = <$engine as crate::conformance::Engine>::new(world);
            crate::conformance::$module::$test(engine).await;
        }
    )*)*};
}
pub(crate) use conformance;
