//! What a ledger promises about commands.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use semel_core::{
    Key, Reply,
    actions::{DeleteMessage, Outcome},
    ports::{Ledger, LedgerError},
    row::HeadRow,
    rows::List,
};
use semel_protocol::{Code, ThreadId};

use super::{
    Engine, load,
    world::{IDEMPOTENCY_MS, command, direct, done, keyed, pair, people, send, sent, thread_of},
};

async fn head(ledger: &dyn Ledger, id: ThreadId) -> HeadRow {
    let rows = load(ledger, &[Key::Thread(id)]).await;
    rows.heads
        .get(&id)
        .flatten()
        .expect("the thread is there")
        .clone()
}

fn bytes(reply: Result<Reply, LedgerError>) -> (bool, u16, String) {
    let reply = reply.expect("the ledger answers");
    let is_replay = reply.is_replay();
    let answer = reply.answer.expect("a stored answer");
    (
        is_replay,
        answer.status,
        String::from_utf8(answer.body).expect("text"),
    )
}

/// Runs all at once and gives what they bring, in the order given.
async fn all_at_once<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for call in running {
        answers.push(call.await.expect("the call does not panic"));
    }
    answers
}

fn submit(
    ledger: &Arc<dyn Ledger>,
    command: semel_core::Command,
) -> impl Future<Output = Result<Reply, LedgerError>> + Send + 'static {
    let ledger = Arc::clone(ledger);
    async move { ledger.submit(command).await }
}

pub(crate) async fn req_b1_a_send_happens_once_also_after_a_restart(mut engine: impl Engine) {
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    let first = sent(engine.ledger().submit(send("ann", id, 1, "hello")).await);
    assert!(!first.duplicate);
    for _ in 0..2 {
        let again = sent(engine.ledger().submit(send("ann", id, 1, "hello")).await);
        assert!(again.duplicate);
        assert_eq!(again.message, first.message);
        engine.reopen().await;
    }
    let other = engine
        .ledger()
        .submit(send("ann", id, 1, "other"))
        .await
        .expect("an answer");
    let refusal = other.result.expect("decided").expect_err("refused");
    assert_eq!(refusal.code, Code::ClientIdReused);
    assert_eq!(head(&*engine.ledger(), id).await.last_seq, 1);
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn req_b3_an_acknowledged_send_survives_a_crash(mut engine: impl Engine) {
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    let mut acknowledged = Vec::new();
    for number in 1..=5 {
        let reply = engine
            .ledger()
            .submit(send("ann", id, number, &format!("words {number}")))
            .await;
        acknowledged.push(sent(reply).message);
        engine.crash().await;
    }
    let rows = load(&*engine.ledger(), &[Key::Messages(id, 1, 5)]).await;
    for message in &acknowledged {
        assert_eq!(rows.messages.get(&(id, message.seq)), Some(Some(message)));
    }
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn a_refused_action_leaves_nothing(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["eve"]).await;
    let before = head(&*ledger, id).await;
    let told = engine.world().listener.news.lock().unwrap().len();
    let reply = ledger
        .submit(send("eve", id, 1, "let me in"))
        .await
        .expect("an answer");
    assert_eq!(
        reply.result.expect("decided").expect_err("refused").code,
        Code::NotFound
    );
    assert_eq!(head(&*ledger, id).await, before);
    assert_eq!(engine.world().listener.news.lock().unwrap().len(), told);
    // The client id was not used up either.
    assert!(!sent(ledger.submit(send("ann", id, 1, "mine")).await).duplicate);
}

pub(crate) async fn req_c2_effect_and_answer_are_stored_together(mut engine: impl Engine) {
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    let request = keyed("key", send("ann", id, 1, "hello"));
    let first = bytes(engine.ledger().submit(request.clone()).await);
    assert_eq!(first, (false, 201, "1:hello".to_owned()));
    engine.crash().await;
    let again = bytes(engine.ledger().submit(request).await);
    assert_eq!(again, (true, 201, "1:hello".to_owned()));

    // A refusal is an answer, too.
    people(&*engine.ledger(), &["eve"]).await;
    let refused = keyed("key", send("eve", id, 1, "hello"));
    let first = bytes(engine.ledger().submit(refused.clone()).await);
    let again = bytes(engine.ledger().submit(refused).await);
    assert_eq!((first.1, &first.2), (again.1, &again.2));
    assert_eq!((first.0, again.0), (false, true));
    assert_eq!(head(&*engine.ledger(), id).await.last_seq, 1);
}

pub(crate) async fn ec_x07_an_answer_expires(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob"]).await;
    let request = keyed("key", direct("ann", "bob"));
    assert!(!bytes(ledger.submit(request.clone()).await).0);
    engine.world().clock.advance(IDEMPOTENCY_MS - 60_000);
    assert!(bytes(ledger.submit(request.clone()).await).0);
    engine.world().clock.advance(120_000);
    assert!(!bytes(ledger.submit(request.clone()).await).0);
    assert!(bytes(ledger.submit(request).await).0);
}

pub(crate) async fn ec_x08_an_expired_row_is_taken_over(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let request = |number| keyed("key", send("ann", id, number, "hello"));
    assert!(!bytes(ledger.submit(request(1)).await).0);
    engine.world().clock.advance(IDEMPOTENCY_MS + 1);
    let calls = (0..20).map(|_| submit(&ledger, request(2)));
    let answers: Vec<_> = all_at_once(calls).await.into_iter().map(bytes).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.0).count(), 1);
    assert!(answers.iter().all(|answer| answer.2 == "2:hello"));
    assert_eq!(head(&*ledger, id).await.last_seq, 2);
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn ec_x05_deleting_erases_stored_answers(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let request = keyed("key", send("ann", id, 1, "secret"));
    assert_eq!(bytes(ledger.submit(request.clone()).await).2, "1:secret");
    let rows = load(&*ledger, &[Key::Message(id, 1)]).await;
    let message_id = rows
        .messages
        .get(&(id, 1))
        .flatten()
        .expect("the message")
        .id;
    done(
        ledger
            .submit(command(
                "ann",
                DeleteMessage {
                    thread_id: id,
                    message_id,
                },
            ))
            .await,
    );
    assert_eq!(
        bytes(ledger.submit(request).await),
        (true, 201, "1:deleted".to_owned())
    );
    let rows = load(&*ledger, &[Key::Message(id, 1)]).await;
    assert_eq!(
        rows.messages
            .get(&(id, 1))
            .flatten()
            .expect("the tombstone")
            .content,
        ""
    );
}

pub(crate) async fn ec_c01_one_key_at_once_has_one_effect(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let calls = (0..50).map(|_| submit(&ledger, keyed("key", send("ann", id, 1, "hello"))));
    let answers: Vec<_> = all_at_once(calls).await.into_iter().map(bytes).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.0).count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| (answer.1, answer.2.as_str()) == (201, "1:hello"))
    );
    assert_eq!(head(&*ledger, id).await.last_seq, 1);
}

pub(crate) async fn ec_c10_parallel_writers_all_succeed(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let calls = (1..=50).map(|number| {
        submit(
            &ledger,
            keyed(&format!("key {number}"), send("ann", id, number, "hello")),
        )
    });
    let seqs: BTreeSet<u64> = all_at_once(calls)
        .await
        .into_iter()
        .map(|reply| sent(reply).message.seq)
        .collect();
    assert_eq!(seqs, (1..=50).collect());
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn ec_f04_a_dropped_call_still_commits(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let request = send("ann", id, 1, "hello");
    {
        let mut call = Box::pin(ledger.submit(request.clone()));
        // Once: it is handed over; then whoever waited goes away.
        let polled = std::future::poll_fn(|context| {
            let poll = call.as_mut().poll(context);
            std::task::Poll::Ready(poll.is_ready())
        });
        polled.await;
    }
    let again = sent(ledger.submit(request).await);
    assert!(again.duplicate);
    assert_eq!(head(&*ledger, id).await.last_seq, 1);
}

pub(crate) async fn req_a6_many_callers_get_one_thread(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob"]).await;
    for callers in [1, 2, 5, 150, 10_000] {
        let calls = (0..callers).map(|number| {
            let (one, other) = if number % 2 == 0 {
                ("ann", "bob")
            } else {
                ("bob", "ann")
            };
            submit(&ledger, direct(one, other))
        });
        let outcomes: Vec<Outcome> = all_at_once(calls).await.into_iter().map(done).collect();
        let ids: BTreeSet<ThreadId> = outcomes.iter().map(thread_of).collect();
        assert_eq!(ids.len(), 1, "{callers} callers");
        let made = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Thread { created: true, .. }));
        assert_eq!(made.count(), usize::from(callers == 1), "{callers} callers");
    }
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn ec_m13_numbers_stay_dense_under_retries(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let calls = (0..320).map(|number| {
        let message = 1 + number % 20;
        submit(
            &ledger,
            send("ann", id, message, &format!("words {message}")),
        )
    });
    let mut places: Vec<(String, u64)> = all_at_once(calls)
        .await
        .into_iter()
        .map(|reply| sent(reply).message)
        .map(|message| (message.content, message.seq))
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 20, "each has one place");
    let seqs: BTreeSet<u64> = places.iter().map(|(_, seq)| *seq).collect();
    assert_eq!(seqs, (1..=20).collect());
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn news_comes_in_order_and_agrees_with_the_log(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let calls = (1..=100).map(|number| submit(&ledger, send("ann", id, number, "hello")));
    all_at_once(calls)
        .await
        .into_iter()
        .for_each(|reply| drop(sent(reply)));
    let key = Key::Entries(id, 0, 1000);
    let rows = load(&*ledger, std::slice::from_ref(&key)).await;
    let List::Entries(log) = &rows.lists[&key] else {
        panic!("entries")
    };
    let news = engine.world().listener.news.lock().unwrap();
    let told: Vec<_> = news.iter().flat_map(|news| news.entries.clone()).collect();
    assert_eq!(
        told.iter()
            .map(|(entry, _)| entry.clone())
            .collect::<Vec<_>>(),
        *log
    );
    for (entry, message) in &told {
        let stored = entry
            .seq
            .and_then(|seq| rows.messages.get(&(id, seq)).flatten());
        assert_eq!(message.as_ref(), stored);
    }
}

pub(crate) async fn a_panic_ends_one_command_only(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let calls = (1..=60).map(|number| {
        let mut request = keyed(&format!("key {number}"), send("ann", id, number, "hello"));
        if number % 20 == 0 {
            request.request_id = "panic".to_owned();
        }
        submit(&ledger, request)
    });
    let answers = all_at_once(calls).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (57, 3));
    assert!(
        bad.iter()
            .all(|answer| matches!(answer, Err(LedgerError::Internal(_))))
    );
    assert_eq!(head(&*ledger, id).await.last_seq, 57);
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn a_closing_ledger_answers_what_it_has(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let calls: Vec<_> = (1..=200)
        .map(|number| tokio::spawn(submit(&ledger, send("ann", id, number, "hello"))))
        .collect();
    tokio::time::timeout(Duration::from_secs(20), ledger.close())
        .await
        .expect("it closes");
    for call in calls {
        match call.await.expect("the call does not panic") {
            Ok(reply) => drop(sent(Ok(reply))),
            Err(error) => assert_eq!(error, LedgerError::Closing),
        }
    }
    assert_eq!(
        ledger.submit(direct("ann", "bob")).await.err(),
        Some(LedgerError::Closing)
    );
    let asked = ledger.answer(Box::new(|_| Ok(()))).await;
    assert_eq!(asked, Err(LedgerError::Closing));
}
