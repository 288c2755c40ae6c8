//! Who keeps away from whom, and what people choose for themselves.

use std::sync::Arc;

use semel_core::{
    Changes, Key, Refusal, Reply,
    actions::{
        NameContact, Outcome, Own, RemoveParticipant, SetBlock, SetPreferences, StartConversation,
    },
    plain::PlainKey,
    ports::{Ledger, LedgerError},
    row::{BlockRow, FOREVER, Side},
    rows::List,
};
use semel_protocol::{
    ClientId, Code, ThreadId, Timestamp, requests::OnConflict, thread::ThreadType,
};

use super::{
    Engine, load,
    world::{command, direct, done, group, pair, people, send, thread_of, user, uuid},
};

/// Messages that race with what ends them.
const MESSAGES: u64 = 60;

fn refusal(reply: Result<Reply, LedgerError>) -> Option<Refusal> {
    let result = reply.expect("the ledger answers").result;
    result.expect("not a replay").err()
}

fn block(by: &str, who: &str, is_blocked: bool) -> semel_core::Command {
    let user_id = user(who);
    command(
        by,
        SetBlock {
            user_id,
            is_blocked,
        },
    )
}

async fn side(ledger: &dyn Ledger, id: ThreadId, who: &str) -> Option<Side> {
    let rows = load(ledger, &[Key::Participant(id, user(who))]).await;
    let seat = rows.participants.get(&(id, user(who))).flatten();
    seat.expect("a seat").block
}

async fn last_seq(ledger: &dyn Ledger, id: ThreadId) -> u64 {
    let rows = load(ledger, &[Key::Thread(id)]).await;
    rows.heads.get(&id).flatten().expect("a head").last_seq
}

pub(crate) async fn lists_of_blocks_say_who_is_in_them(engine: impl Engine) {
    let mut changes = Changes::default();
    for (by, who) in [
        ("ann", "bob"),
        ("ann", "cy"),
        ("ann", "dee"),
        ("bob", "ann"),
        ("eve", "ann"),
    ] {
        let since = Timestamp(1);
        changes
            .blocks
            .push(((user(by), user(who)), Some(BlockRow { since })));
    }
    engine.store(&changes);
    let lists = [
        (
            PlainKey::BlocksOf(user("ann"), None, 2),
            vec![("ann", "bob"), ("ann", "cy")],
        ),
        (
            PlainKey::BlocksOf(user("ann"), Some(user("bob")), usize::MAX),
            vec![("ann", "cy"), ("ann", "dee")],
        ),
        (
            PlainKey::BlockersOf(user("ann")),
            vec![("bob", "ann"), ("eve", "ann")],
        ),
        (PlainKey::BlockersOf(user("eve")), vec![]),
    ];
    let keys: Vec<Key> = lists
        .iter()
        .map(|(key, _)| Key::Plain(key.clone()))
        .collect();
    let rows = load(&*engine.ledger(), &keys).await;
    for (key, (_, expected)) in keys.iter().zip(&lists) {
        let List::Plain(found) = &rows.lists[key] else {
            panic!("{key:?} is no such list")
        };
        let expected = expected
            .iter()
            .map(|(by, who)| PlainKey::Block(user(by), user(who)));
        assert!(found.iter().cloned().eq(expected), "{key:?}: {found:?}");
    }
}

/// Once a block is acknowledged, nothing more of the blocked is stored, whatever was under way.
pub(crate) async fn p_block_2_a_block_against_sends(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    for round in 0..3 {
        let mut sends = Vec::new();
        for n in 0..MESSAGES {
            let (ledger, number) = (Arc::clone(&ledger), 1_000 * round + n + 1);
            let sent = async move { ledger.submit(send("bob", id, number, "words")).await };
            sends.push(tokio::spawn(sent));
            if n == MESSAGES / 2 {
                tokio::task::yield_now().await;
            }
        }
        done(ledger.submit(block("ann", "bob", true)).await);
        let at_acknowledgement = last_seq(&*ledger, id).await;
        let mut refused = 0;
        for send in sends {
            let refusal = refusal(send.await.expect("no panic"));
            refused += u64::from(refusal.is_some());
            assert!(refusal.is_none_or(|refusal| refusal.code == Code::Unreachable));
        }
        assert_eq!(
            last_seq(&*ledger, id).await,
            at_acknowledgement,
            "{refused} were refused"
        );
        let late = ledger
            .submit(send("bob", id, 1_000 * round + 900, "late"))
            .await;
        assert_eq!(refusal(late).expect("refused").code, Code::Unreachable);
        assert_eq!(side(&*ledger, id, "bob").await, Some(Side::IsBlocked));
        assert_eq!(side(&*ledger, id, "ann").await, Some(Side::Blocks));
        done(ledger.submit(block("ann", "bob", false)).await);
        assert_eq!(side(&*ledger, id, "bob").await, None);
    }
    assert_eq!(engine.findings(), [""; 0]);
}

/// The same before they have a thread: either the first message was stored before the acknowledgement, or never.
pub(crate) async fn p_block_2_a_block_against_a_first_message(engine: impl Engine) {
    let ledger = engine.ledger();
    for n in 0..12 {
        let (ann, bob) = (format!("ann-{n}"), format!("bob-{n}"));
        people(&*ledger, &[&ann, &bob]).await;
        let first = StartConversation {
            participants: vec![user(&ann)],
            thread_type: Some(ThreadType::Direct),
            title: None,
            distinct: true,
            content: "hello".to_owned(),
            client_id: Some(ClientId(uuid(5_000 + n))),
        };
        let first = command(&bob, first);
        let sender = Arc::clone(&ledger);
        let again = first.clone();
        let sent = tokio::spawn(async move { sender.submit(again).await });
        if n % 2 == 0 {
            tokio::task::yield_now().await;
        }
        done(ledger.submit(block(&ann, &bob, true)).await);
        let late = ledger
            .submit(send(&bob, ThreadId(uuid(1)), 6_000 + n, "x"))
            .await;
        assert!(refusal(late).is_some());
        if let Some(refusal) = refusal(sent.await.expect("no panic")) {
            assert_eq!(refusal.code, Code::Unreachable);
            assert_eq!(refusal.user_ids, [user(&ann)]);
            let again = refusal_of(&ledger, first).await;
            assert_eq!(again.code, Code::Unreachable);
        } else {
            let id = thread_of(&done(ledger.submit(direct(&ann, &bob)).await));
            assert_eq!(last_seq(&*ledger, id).await, 1);
            assert_eq!(side(&*ledger, id, &bob).await, Some(Side::IsBlocked));
        }
    }
    assert_eq!(engine.findings(), [""; 0]);
}

async fn refusal_of(ledger: &Arc<dyn Ledger>, command: semel_core::Command) -> Refusal {
    refusal(ledger.submit(command).await).expect("refused")
}

/// Two who block each other at once: both seats say so.
pub(crate) async fn both_block_each_other_at_once(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let (one, other) = tokio::join!(
        ledger.submit(block("ann", "bob", true)),
        ledger.submit(block("bob", "ann", true)),
    );
    done(one);
    done(other);
    assert_eq!(side(&*ledger, id, "ann").await, Some(Side::Both));
    done(ledger.submit(block("ann", "bob", false)).await);
    assert_eq!(side(&*ledger, id, "ann").await, Some(Side::IsBlocked));
    assert_eq!(side(&*ledger, id, "bob").await, Some(Side::Blocks));
    assert_eq!(engine.findings(), [""; 0]);
}

/// Once a removal is acknowledged, nothing of the removed is stored, whatever was under way.
pub(crate) async fn p_thread_9_a_removal_against_sends(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob", "cy"]).await;
    let id = thread_of(&done(ledger.submit(group("ann", &["bob", "cy"])).await));
    let sends = (0..MESSAGES).map(|n| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.submit(send("bob", id, n + 1, "words")).await })
    });
    let sends: Vec<_> = sends.collect();
    tokio::task::yield_now().await;
    let remove = RemoveParticipant {
        thread_id: id,
        user_id: user("bob"),
        on_conflict: OnConflict::KeepSeparate,
    };
    done(ledger.submit(command("ann", remove)).await);
    let at_acknowledgement = last_seq(&*ledger, id).await;
    for send in sends {
        let refusal = refusal(send.await.expect("no panic"));
        assert!(refusal.is_none_or(|refusal| refusal.code == Code::NotFound));
    }
    assert_eq!(last_seq(&*ledger, id).await, at_acknowledgement);
    let late = ledger.submit(send("bob", id, 900, "late")).await;
    assert_eq!(refusal(late).expect("refused").code, Code::NotFound);
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn own_names_and_preferences_survive(mut engine: impl Engine) {
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    done(engine.ledger().submit(send("ann", id, 1, "words")).await);
    let name = NameContact {
        user_id: user("bob"),
        own_name: "Bobby".to_owned(),
    };
    done(engine.ledger().submit(command("ann", name.clone())).await);
    let choose = SetPreferences {
        thread_id: id,
        is_muted: Some(true),
        muted_until: None,
        is_pinned: Some(true),
        is_archived: Some(true),
    };
    done(engine.ledger().submit(command("ann", choose)).await);
    engine.crash().await;
    let Outcome::Own(Own::Contact(contact)) =
        done(engine.ledger().submit(command("ann", name)).await)
    else {
        panic!("no contact")
    };
    assert_eq!(contact.contact.own_name.as_deref(), Some("Bobby"));
    let rows = load(&*engine.ledger(), &[Key::Participant(id, user("ann"))]).await;
    let seat = rows.participants.get(&(id, user("ann"))).flatten();
    let chosen = seat.expect("a seat").preferences;
    assert_eq!(chosen.muted_until, Some(FOREVER));
    assert!(chosen.is_archived && chosen.pinned_at.is_some());
}
