//! Somebody is added to a group at the very moment of their erasure.

use std::{sync::Arc, time::Duration};

use semel_core::{Key, actions::Expand, ports::Ledger, row::ParticipantRow};
use semel_protocol::requests::OnConflict;

use super::servers::Servers;
use crate::conformance::{
    erasure::{erases_themselves, step},
    load,
    world::{command, done, group, people, thread_of, user},
};

/// How long it is waited for one of the two.
const WAIT: Duration = Duration::from_secs(30);

/// Whoever adds them has read that they are there and cannot go on, because somebody else writes the same seat: until that one lets
/// go, the erasure either waits, or goes through and has to find the seat afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p_erase_2_who_is_added_at_the_moment_of_their_erasure_keeps_no_seat() {
    let Some(servers) = Servers::new(2).await else {
        return;
    };
    let (one, two) = (
        Arc::clone(&servers.ledgers[0]),
        Arc::clone(&servers.ledgers[1]),
    );
    people(&*one, &["ann", "bob", "cyd"]).await;
    // They know each other: nobody becomes a contact, so that nothing of Ann's own is written with her seat.
    done(one.submit(group("ann", &["bob", "cyd"])).await);
    let id = thread_of(&done(one.submit(group("bob", &["cyd"])).await));
    let beside = servers.database.client().await;
    let seat = format!(
        "BEGIN; INSERT INTO participants (thread_id, user_id, role, joined_rev, periods, is_active)
             VALUES ('{}', 'ann', 'participant', 1, '[]', FALSE)",
        id.0
    );
    beside.batch_execute(&seat).await.expect("a seat");
    let add = Expand {
        thread_id: id,
        new_participants: vec![user("ann")],
        message_content: None,
        client_id: None,
        on_conflict: OnConflict::KeepSeparate,
    };
    let adds = tokio::spawn(async move { one.submit(command("bob", add)).await });
    let waits = |kind: &str| {
        format!(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.datname = current_database()
             WHERE NOT l.granted AND l.locktype = '{kind}' AND (l.database = d.oid OR l.database IS NULL)
               AND l.pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
    };
    let look = servers.database.client().await;
    let is_waiting = async |kind: &str| {
        let row = look.query_one(&waits(kind), &[]).await.expect("a count");
        row.get::<_, i64>(0) > 0
    };
    let began = tokio::time::Instant::now();
    while !is_waiting("transactionid").await {
        assert!(
            began.elapsed() < WAIT,
            "who adds does not wait for the seat"
        );
        tokio::task::yield_now().await;
    }
    let erases = tokio::spawn({
        let two = Arc::clone(&two);
        async move {
            done(two.submit(erases_themselves("ann")).await);
            while step(&*two).await.is_some() {}
        }
    });
    while !erases.is_finished() && !is_waiting("advisory").await {
        assert!(began.elapsed() < WAIT, "the erasure neither waits nor ends");
        tokio::task::yield_now().await;
    }
    beside.batch_execute("ROLLBACK").await.expect("it lets go");
    let added = adds.await.expect("no panic").expect("an answer");
    erases.await.expect("no panic");
    let rows = load(&*two, &[Key::Roster(id)]).await;
    let seat = rows.participants.get(&(id, user("ann"))).flatten();
    let is_in = seat.is_some_and(ParticipantRow::is_active);
    assert!(!is_in, "an erased person keeps a seat: {added:?}");
}
