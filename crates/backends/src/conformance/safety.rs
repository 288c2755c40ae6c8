//! What operators do, and that it is written down.

use std::sync::Arc;

use semel_core::{
    Changes, Command, Key, Reply,
    actions::{Outcome, RemoveMessage, SetStanding},
    plain::PlainKey,
    ports::{Ledger, LedgerError},
    row::Standing,
    rows::List,
    safety::{AuditRow, Deed},
};
use semel_protocol::{AuditId, Code, MessageId, ReportId, ThreadId, Timestamp};

use super::{
    Engine, load,
    world::{command, done, pair, people, send, user, uuid},
};

/// Messages that race with what ends them.
const MESSAGES: u64 = 60;

fn code(reply: Result<Reply, LedgerError>) -> Option<Code> {
    let result = reply.expect("the ledger answers").result;
    result
        .expect("not a replay")
        .err()
        .map(|refusal| refusal.code)
}

async fn act(ledger: &dyn Ledger, command: Command) -> Outcome {
    done(ledger.submit(command).await)
}

fn set(operator: &str, who: &str, is_suspended: bool) -> Command {
    let action = SetStanding {
        user_id: user(who),
        is_suspended,
        reason: "because".to_owned(),
    };
    command(operator, action)
}

async fn list(ledger: &dyn Ledger, key: PlainKey) -> Vec<PlainKey> {
    let key = Key::Plain(key);
    let rows = load(ledger, std::slice::from_ref(&key)).await;
    let Some(List::Plain(found)) = rows.lists.get(&key) else {
        panic!("{key:?} brings a list");
    };
    found.clone()
}

async fn audit(ledger: &dyn Ledger) -> Vec<AuditRow> {
    let keys = list(ledger, PlainKey::AuditBefore(user("nobody"), None, 100)).await;
    let wanted: Vec<Key> = keys.iter().cloned().map(Key::Plain).collect();
    let rows = load(ledger, &wanted).await;
    let row = |key: &PlainKey| match key {
        PlainKey::Audit(id) => rows.audit.get(id).flatten().cloned(),
        _ => None,
    };
    keys.iter().map(|key| row(key).expect("a row")).collect()
}

async fn last_seq(ledger: &dyn Ledger, id: ThreadId) -> u64 {
    let rows = load(ledger, &[Key::Thread(id)]).await;
    rows.heads.get(&id).flatten().expect("a head").last_seq
}

pub(crate) async fn what_operators_did_comes_back_newest_first<E: Engine>(mut engine: E) {
    let bare = AuditRow {
        at: Timestamp(3),
        actor_id: user("op"),
        deed: Deed::Lift,
        user_id: None,
        thread_id: None,
        message_id: None,
        report_id: None,
        reason: "why".to_owned(),
    };
    let full = AuditRow {
        deed: Deed::RemoveMessage,
        user_id: Some(user("ann")),
        thread_id: Some(ThreadId(uuid(7))),
        message_id: Some(MessageId(uuid(8))),
        ..bare.clone()
    };
    let to_another = AuditRow {
        actor_id: user("other-op"),
        user_id: Some(user("op")),
        report_id: Some(ReportId(uuid(9))),
        ..bare.clone()
    };
    let to_oneself = AuditRow {
        actor_id: user("op"),
        ..to_another.clone()
    };
    let all = [
        (1, &bare),
        (2, &full),
        (3, &to_another),
        (4, &to_oneself),
        (5, &to_another),
        (6, &bare),
    ];
    let mut changes = Changes::default();
    for (number, row) in all {
        let id = AuditId(uuid(number));
        changes.audit.push((id, Some(row.clone())));
    }
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let line = |number| PlainKey::Audit(AuditId(uuid(number)));
    let page = |who: &str, before: Option<u64>, limit| {
        let before = before.map(|number| AuditId(uuid(number)));
        list(&*ledger, PlainKey::AuditBefore(user(who), before, limit))
    };
    assert_eq!(page("ann-2", None, 2).await, [line(6), line(5)]);
    assert_eq!(page("ann-2", Some(2), 2).await, [line(1)]);
    // What others did to somebody is not for them, and pages are as long as ever.
    assert_eq!(page("op", None, 2).await, [line(6), line(4)]);
    assert_eq!(page("op", Some(4), 2).await, [line(2), line(1)]);
    assert_eq!(page("ann", Some(4), 2).await, [line(3), line(1)]);
    let rows = all.into_iter().rev().map(|(_, row)| row.clone());
    assert_eq!(audit(&*ledger).await, rows.collect::<Vec<_>>());
    let absent = load(&*ledger, &[Key::Plain(line(9))]).await;
    assert_eq!(absent.audit.get(&AuditId(uuid(9))), Some(None));
    ledger.close().await;
}

pub(crate) async fn who_was_suspended_lately_is_listed(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob", "op"]).await;
    for who in ["ann", "bob"] {
        act(&*ledger, set("op", who, true)).await;
    }
    act(&*ledger, set("op", "bob", false)).await;
    let rows = load(&*ledger, &[Key::User(user("ann"))]).await;
    let standing = rows
        .users
        .get(&user("ann"))
        .flatten()
        .expect("Ann")
        .standing;
    let Standing::Suspended(since) = standing else {
        panic!("Ann is suspended")
    };
    let lately = PlainKey::StandingSince(Timestamp(since.0 - 1));
    let found = list(&*ledger, lately).await;
    assert_eq!(found, [PlainKey::Person(user("ann"))]);
    assert!(
        list(&*ledger, PlainKey::StandingSince(since))
            .await
            .is_empty()
    );
}

/// Once a suspension is acknowledged, nothing more of theirs is stored, whatever was under way.
pub(crate) async fn p_operator_2_a_suspension_against_sends(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["op"]).await;
    for round in 0..3 {
        let mut sends = Vec::new();
        let mut suspends = None;
        for n in 0..MESSAGES {
            let (ledger, number) = (Arc::clone(&ledger), 1_000 * round + n + 1);
            let says = Arc::clone(&ledger);
            let sent = async move { says.submit(send("bob", id, number, "words")).await };
            sends.push(tokio::spawn(sent));
            if n == MESSAGES / 2 {
                let suspend = async move {
                    act(&*ledger, set("op", "bob", true)).await;
                    last_seq(&*ledger, id).await
                };
                suspends = Some(tokio::spawn(suspend));
            }
        }
        let at_acknowledgement = suspends.expect("begun").await.expect("no panic");
        let mut stored = 0;
        for sent in sends {
            match code(sent.await.expect("no panic")) {
                None => stored += 1,
                Some(code) => assert_eq!(code, Code::Suspended),
            }
        }
        assert_eq!(last_seq(&*ledger, id).await, at_acknowledgement);
        let late = ledger
            .submit(send("bob", id, 1_000 * round + 999, "late"))
            .await;
        assert_eq!(code(late), Some(Code::Suspended));
        assert!(stored <= MESSAGES);
        act(&*ledger, set("op", "bob", false)).await;
    }
    // What was said stays, and more can be said.
    act(&*ledger, send("bob", id, 99_999, "back")).await;
}

pub(crate) async fn a_deed_is_written_down_with_its_effect_and_once<E: Engine>(mut engine: E) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["op"]).await;
    let Outcome::Sent(sent) = act(&*ledger, send("bob", id, 1, "words")).await else {
        panic!("it was sent")
    };
    let remove = || {
        let action = RemoveMessage {
            thread_id: id,
            message_id: sent.message.id,
            reason: "not here".to_owned(),
        };
        command("op", action)
    };
    for _ in 0..2 {
        act(&*ledger, remove()).await;
        act(&*ledger, set("op", "bob", true)).await;
    }
    assert_eq!(
        code(ledger.submit(set("op", "nobody", true)).await),
        Some(Code::NotFound)
    );
    drop(ledger);
    engine.crash().await;
    let ledger = engine.ledger();
    let deeds: Vec<Deed> = audit(&*ledger).await.iter().map(|row| row.deed).collect();
    assert_eq!(deeds.len(), 2, "{deeds:?}");
    assert!(deeds.contains(&Deed::Suspend) && deeds.contains(&Deed::RemoveMessage));
    let key = Key::Message(id, sent.message.seq);
    let rows = load(&*ledger, &[key]).await;
    let message = rows.messages.get(&(id, sent.message.seq)).flatten();
    let message = message.expect("a tombstone");
    assert!(message.deleted_at.is_some() && message.is_removed && message.content.is_empty());
    assert!(engine.findings().is_empty(), "{:?}", engine.findings());
}
