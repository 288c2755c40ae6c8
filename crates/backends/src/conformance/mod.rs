//! What every engine must do, written once. An engine runs all of it with `conformance!(ItsEngine)`.

pub(crate) mod apart;
pub(crate) mod behaviour;
pub(crate) mod damage;
pub(crate) mod lists;
pub(crate) mod people;
pub(crate) mod rows;
pub(crate) mod safety;
pub(crate) mod sign_in;
pub(crate) mod world;

use std::sync::Arc;

use async_trait::async_trait;
use semel_core::{Changes, Key, Rows, ports::Ledger};
use world::World;

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
                messages_are_found_whatever_stands_between_them, stored_answers_are_found_by_message_and_time, a_persons_log_is_read_from_a_number;
            sign_in: rows_of_signing_in_come_back_and_go, what_is_absent_of_signing_in_is_known_to_be,
                lists_of_signing_in_name_what_they_say, req_d2_of_a_hundred_guesses_at_once_five_are_compared,
                req_d2_two_right_guesses_at_once_bring_one_session,
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
