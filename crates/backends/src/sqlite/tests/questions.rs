//! Questions that wait: how many, and who for whom.

use std::{sync::mpsc, time::Duration};

use semel_core::{
    Key,
    ports::{LedgerError, Question},
};
use semel_protocol::UserId;

use super::Sqlite;
use crate::{
    conformance::{Engine, world::World},
    sqlite::readers::QUEUE_MAX,
};

/// A question that keeps its reader until the other end is dropped.
fn slow(begun: mpsc::Sender<()>) -> (Question, mpsc::Sender<()>) {
    let (hold, release) = mpsc::channel::<()>();
    let question = move |_: &_| -> Result<(), Key> {
        let _ = begun.send(());
        let _ = release.recv();
        Ok(())
    };
    (Box::new(question), hold)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_questions_never_hold_up_the_servers_own() {
    let engine = Sqlite::new(World::default());
    let (begun, is_begun) = mpsc::channel();
    let (mut holds, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (question, hold) = slow(begun.clone());
        holds.push(hold);
        asked.push(engine.sqlite().shared.questions.ask(question).unwrap());
        is_begun.recv().unwrap();
    }
    for _ in 0..QUEUE_MAX {
        let waits = engine.sqlite().shared.questions.ask(Box::new(|_| Ok(())));
        asked.push(waits.unwrap());
    }
    let ledger = engine.ledger();
    let one_more = ledger.answer(Box::new(|_| Ok(()))).await;
    assert_eq!(one_more, Err(LedgerError::Overloaded));

    let who = UserId::parse("ann").unwrap();
    let own: Question = Box::new(move |rows| {
        if rows.users.knows(&who) {
            Ok(())
        } else {
            Err(Key::User(who.clone()))
        }
    });
    let answered = tokio::time::timeout(Duration::from_secs(20), ledger.answer_first(own)).await;
    assert_eq!(answered.unwrap(), Ok(()));

    drop(holds);
    for answer in asked {
        assert_eq!(answer.await.unwrap(), Ok(()));
    }
}
