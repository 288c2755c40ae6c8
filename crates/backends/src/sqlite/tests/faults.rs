//! When the store fails: nothing is acknowledged, nothing is told, and when it heals it goes on.

use std::{
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use semel_core::{Key, ports::LedgerError};

use super::Sqlite;
use crate::conformance::{
    Engine, load,
    world::{World, pair, send, sent},
};
use crate::sqlite::checkpoint::{self, Mode, WAL_IDLE_BYTES_MAX};

/// Waits for a condition, not for a time.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn told(engine: &Sqlite) -> usize {
    engine.world().listener.news.lock().unwrap().len()
}

#[tokio::test]
async fn ec_f11_a_full_disk_acknowledges_nothing_and_heals() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let before = told(&engine);
    engine.on_lane(|connection| {
        let pages: i64 = connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .expect("a count");
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .expect("a limit");
    });
    // Larger than what is free in the pages that are there.
    let large = "x".repeat(15_000);
    let error = ledger
        .submit(send("ann", id, 1, &large))
        .await
        .expect_err("no acknowledgement");
    assert!(
        matches!(&error, LedgerError::Unavailable(why) if why.contains("full")),
        "{error:?}"
    );
    assert!(ledger.health().is_err());
    assert_eq!(told(&engine), before);
    // Questions are still answered, and nothing of it is there.
    let rows = load(&*ledger, &[Key::Thread(id), Key::Message(id, 1)]).await;
    assert_eq!(
        rows.heads.get(&id).flatten().map(|head| head.last_seq),
        Some(0)
    );
    assert_eq!(rows.messages.get(&(id, 1)), Some(None));

    engine.on_lane(|connection| {
        connection
            .pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(()))
            .expect("a limit");
    });
    // It finds out by itself: nobody sends commands to a server that says it is unwell.
    until("it is well again", async || ledger.health().is_ok()).await;
    let message = sent(ledger.submit(send("ann", id, 1, &large)).await).message;
    assert_eq!(message.seq, 1);
    assert_eq!(engine.findings(), [""; 0]);
}

#[tokio::test]
async fn a_large_command_that_does_not_fit_fails_alone() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    engine.on_lane(|connection| {
        let pages: i64 = connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .expect("a count");
        connection
            .pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(()))
            .expect("a limit");
    });
    let large = "x".repeat(15_000);
    let (small, large, also_small) = tokio::join!(
        ledger.submit(send("ann", id, 1, "small")),
        ledger.submit(send("ann", id, 2, &large)),
        ledger.submit(send("bob", id, 3, "small")),
    );
    assert!(
        matches!(large, Err(LedgerError::Unavailable(_))),
        "{large:?}"
    );
    assert_eq!(
        [sent(small).message.seq, sent(also_small).message.seq],
        [1, 2]
    );
}

#[tokio::test]
async fn an_unknown_outcome_is_said_and_the_store_is_opened_anew() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let before = told(&engine);
    // SQLite undoes the transaction and reports an error, as it does when a disk fails at COMMIT.
    engine.on_lane(|connection| {
        connection.commit_hook(Some(|| true)).expect("a hook");
    });
    let error = ledger
        .submit(send("ann", id, 1, "hello"))
        .await
        .expect_err("no acknowledgement");
    assert!(matches!(error, LedgerError::OutcomeUnknown(_)), "{error:?}");
    assert_eq!(told(&engine), before);
    until("it is back", async || ledger.health().is_ok()).await;
    assert_eq!(engine.world().listener.recoveries.load(SeqCst), 1);
    // The retry with the same client id is safe.
    let message = sent(ledger.submit(send("ann", id, 1, "hello")).await).message;
    assert_eq!(message.seq, 1);
    assert_eq!(engine.sqlite().stats().view().unknown_outcomes, 1);
    assert_eq!(engine.findings(), [""; 0]);
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_again_is_unavailable_until_it_can() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    // A reader keeps the write-ahead log from being emptied, as the lost store wants.
    let reader = engine.connection();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM log")
        .expect("a snapshot");
    engine.on_lane(|connection| {
        connection.commit_hook(Some(|| true)).expect("a hook");
    });
    let lost = ledger.submit(send("ann", id, 1, "hello")).await;
    assert!(
        matches!(lost, Err(LedgerError::OutcomeUnknown(_))),
        "{lost:?}"
    );
    let refused = ledger.submit(send("ann", id, 1, "hello")).await;
    assert!(
        matches!(refused, Err(LedgerError::Unavailable(_))),
        "{refused:?}"
    );
    until("it says why", async || {
        ledger.health().is_err_and(|why| why.contains("read"))
    })
    .await;
    drop(reader);
    until("it is back", async || ledger.health().is_ok()).await;
    assert_eq!(
        sent(ledger.submit(send("ann", id, 1, "hello")).await)
            .message
            .seq,
        1
    );
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_batch_leaves_nothing_of_it() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    engine.on_lane(|connection| {
        let deny = |context: AuthContext<'_>| match context.action {
            AuthAction::Insert {
                table_name: "positions",
            } => Authorization::Deny,
            _ => Authorization::Allow,
        };
        connection.authorizer(Some(deny)).expect("an authorizer");
        connection.flush_prepared_statement_cache();
    });
    let refused = ledger.submit(send("ann", id, 1, "hello")).await;
    assert!(refused.is_err(), "{refused:?}");
    let rows = load(&*ledger, &[Key::Message(id, 1)]).await;
    assert_eq!(rows.messages.get(&(id, 1)), Some(None));
    engine.on_lane(|connection| {
        connection
            .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
            .expect("no authorizer");
    });
    assert_eq!(
        sent(ledger.submit(send("ann", id, 1, "hello")).await)
            .message
            .seq,
        1
    );
    assert_eq!(engine.findings(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_wait_are_bounded() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let (gate, waits) = std::sync::mpsc::channel::<()>();
    let wait = move |_: &mut rusqlite::Connection| {
        let _ = waits.recv();
    };
    engine
        .sqlite()
        .send(crate::sqlite::lane::Work::Inspect(Box::new(wait)))
        .expect("it listens");
    let mut calls = Vec::new();
    let mut overloaded = 0;
    for number in 0..20_000 {
        let mut call = Box::pin(ledger.submit(send("ann", id, 1 + number, "hello")));
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context)));
        match polled.await {
            std::task::Poll::Ready(Err(LedgerError::Overloaded)) => overloaded += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => calls.push(call),
        }
    }
    assert!(
        overloaded > 0 && calls.len() <= crate::lane::QUEUE_COMMANDS_MAX,
        "{}",
        calls.len()
    );
    drop(gate);
    let accepted = calls.len() as u64;
    for call in calls {
        sent(call.await);
    }
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(
        rows.heads.get(&id).flatten().map(|head| head.last_seq),
        Some(accepted)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_is_cut_off_when_it_is_large_and_nobody_writes() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let size =
        || std::fs::metadata(engine.data_dir().join("semel.db-wal")).map_or(0, |file| file.len());
    let words = "x".repeat(15_000);
    let mut number = 0;
    // The second time the log has begun anew in a file that stayed large.
    for begins_anew in [false, true] {
        while size() <= WAL_IDLE_BYTES_MAX + (1 << 20) {
            let calls = (0..50).map(|_| {
                number += 1;
                let (ledger, request) = (engine.ledger(), send("ann", id, number, &words));
                tokio::spawn(async move { sent(ledger.submit(request).await) })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.expect("no panic");
            }
        }
        if begins_anew {
            engine.on_lane(|connection| {
                let restart = || checkpoint::run(connection, Mode::Restart).expect("a checkpoint");
                while restart().is_blocked {}
            });
            number += 1;
            sent(ledger.submit(send("ann", id, number, "few words")).await);
            assert!(size() > WAL_IDLE_BYTES_MAX);
        }
        until("it is cut off", async || size() == 0).await;
    }
    assert_eq!(engine.findings(), [""; 0]);
}
