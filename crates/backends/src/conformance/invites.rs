//! Links that invite into groups, however many follow one at once.

use std::sync::Arc;

use semel_core::{
    Changes, Command, Key, Reply,
    actions::{CreateInvite, Invited, JoinByInvite, Outcome, RevokeInvite},
    invites::InviteRow,
    plain::PlainKey,
    ports::{Ledger, LedgerError},
    row::Fact,
    rows::List,
};
use semel_protocol::{Code, InviteId, ThreadId, Timestamp};

use super::{
    Engine, load,
    world::{command, direct, done, group, people, send, thread_of, user, uuid},
};

/// People who follow a link at once.
const PEOPLE: u64 = 100;
/// How many of them it lets in.
const USES: u64 = 10;

fn names() -> Vec<String> {
    (0..PEOPLE).map(|n| format!("guest-{n}")).collect()
}

/// A group of Ann and Bob.
async fn place(ledger: &dyn Ledger) -> ThreadId {
    people(ledger, &["ann", "bob"]).await;
    thread_of(&done(ledger.submit(group("ann", &["bob"])).await))
}

async fn link(ledger: &dyn Ledger, thread_id: ThreadId, uses_max: Option<u64>) -> InviteId {
    let create = CreateInvite {
        thread_id,
        uses_max,
        minutes: None,
    };
    match done(ledger.submit(command("ann", create)).await) {
        Outcome::Invited(Invited::Made(id, _)) => id,
        other => panic!("{other:?} is no link"),
    }
}

fn join(who: &str, invite: InviteId) -> Command {
    let action = JoinByInvite {
        invite_id: Some(invite),
        budgets: Vec::new(),
        budgets_nowhere: Vec::new(),
    };
    command(who, action)
}

/// Whether somebody came in by this; none: the link led nowhere.
fn joined(reply: Result<Reply, LedgerError>) -> Option<bool> {
    match done(reply) {
        Outcome::Invited(Invited::Joined { is_new, .. }) => Some(is_new),
        Outcome::Invited(Invited::Nothing) => None,
        other => panic!("{other:?} is no join"),
    }
}

/// All of them at once.
async fn all_join(
    ledger: &Arc<dyn Ledger>,
    names: &[String],
    invite: InviteId,
) -> Vec<Option<bool>> {
    let joins: Vec<_> = names
        .iter()
        .map(|who| {
            let (ledger, join) = (Arc::clone(ledger), join(who, invite));
            tokio::spawn(async move { joined(ledger.submit(join).await) })
        })
        .collect();
    let mut results = Vec::new();
    for join in joins {
        results.push(join.await.expect("no panic"));
    }
    results
}

async fn row(ledger: &dyn Ledger, id: InviteId) -> Option<InviteRow> {
    let rows = load(ledger, &[Key::Plain(PlainKey::Invite(id))]).await;
    rows.invites.get(&id).expect("it was loaded").cloned()
}

/// Who came in, as the thread's log says, and how many are in.
async fn entered(ledger: &dyn Ledger, id: ThreadId) -> (Vec<String>, u64) {
    let key = Key::Entries(id, 0, 1_000);
    let rows = load(ledger, &[Key::Thread(id), key.clone()]).await;
    let Some(List::Entries(entries)) = rows.lists.get(&key) else {
        panic!("entries")
    };
    let revs: Vec<u64> = entries.iter().map(|entry| entry.rev).collect();
    assert!(
        revs.iter().copied().eq(1..=entries.len() as u64),
        "{revs:?}"
    );
    let mut found = Vec::new();
    for entry in entries {
        if let Fact::ParticipantsAdded(people, _) = &entry.fact {
            assert_eq!(people, std::slice::from_ref(&entry.actor_id));
            found.push(entry.actor_id.to_string());
        }
    }
    let thread = rows.threads.get(&id).flatten().expect("a thread");
    (found, thread.participant_count)
}

pub(crate) async fn rows_of_links_come_back_and_go<E: Engine>(mut engine: E) {
    let bare = InviteRow {
        thread_id: ThreadId(uuid(1)),
        created_by: user("ann"),
        created_at: Timestamp(1),
        expires_at: None,
        uses_max: None,
        uses: 0,
    };
    let full = InviteRow {
        expires_at: Some(Timestamp(9)),
        uses_max: Some(3),
        uses: 2,
        ..bare.clone()
    };
    let ids = [7, 8, 9].map(|n| InviteId(uuid(n)));
    let mut changes = Changes::default();
    changes.invites.push((ids[0], Some(bare.clone())));
    changes.invites.push((ids[1], Some(full.clone())));
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let found = [
        row(&*ledger, ids[0]).await,
        row(&*ledger, ids[1]).await,
        row(&*ledger, ids[2]).await,
    ];
    assert_eq!(found, [Some(bare), Some(full), None]);
    ledger.close().await;
}

pub(crate) async fn lists_of_links_are_of_their_thread_newest_first(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = place(&*ledger).await;
    people(&*ledger, &["cy"]).await;
    let other = thread_of(&done(ledger.submit(group("ann", &["bob", "cy"])).await));
    let first = link(&*ledger, id, None).await;
    engine.world().clock.advance(1);
    let second = link(&*ledger, id, None).await;
    let elsewhere = link(&*ledger, other, None).await;
    let list = async |id| {
        let key = Key::Plain(PlainKey::InvitesOf(id));
        let rows = load(&*ledger, std::slice::from_ref(&key)).await;
        match rows.lists.get(&key) {
            Some(List::Plain(found)) => found.clone(),
            other => panic!("{other:?}"),
        }
    };
    let expected = [second, first].map(PlainKey::Invite);
    assert_eq!(list(id).await, expected);
    assert_eq!(list(other).await, [PlainKey::Invite(elsewhere)]);
    let revoke = RevokeInvite {
        thread_id: id,
        invite_id: second,
    };
    done(ledger.submit(command("ann", revoke)).await);
    assert_eq!(list(id).await, [PlainKey::Invite(first)]);
    assert_eq!(row(&*ledger, second).await, None);
}

pub(crate) async fn p_invite_5_of_a_hundred_at_once_as_many_join_as_a_link_lets_in(
    engine: impl Engine,
) {
    let ledger = engine.ledger();
    let names = names();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    people(&*ledger, &known).await;
    let id = place(&*ledger).await;
    let invite = link(&*ledger, id, Some(USES)).await;
    let results = all_join(&ledger, &names, invite).await;
    let came = results.iter().filter(|result| **result == Some(true));
    assert_eq!(came.count() as u64, USES);
    let rest = results.iter().filter(|result| result.is_none());
    assert_eq!(rest.count() as u64, PEOPLE - USES);
    assert_eq!(row(&*ledger, invite).await.expect("a link").uses, USES);
    let (entered, count) = entered(&*ledger, id).await;
    assert_eq!((entered.len() as u64, count), (USES, USES + 2));
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn p_invite_5_one_person_who_joins_many_times_at_once_joins_once(
    engine: impl Engine,
) {
    let ledger = engine.ledger();
    let id = place(&*ledger).await;
    people(&*ledger, &["cy"]).await;
    let invite = link(&*ledger, id, Some(USES)).await;
    let same = vec!["cy".to_owned(); 30];
    let results = all_join(&ledger, &same, invite).await;
    let came = results.iter().filter(|result| **result == Some(true));
    assert_eq!(came.count(), 1);
    assert!(results.iter().all(Option::is_some));
    assert_eq!(row(&*ledger, invite).await.expect("a link").uses, 1);
    assert_eq!(entered(&*ledger, id).await, (vec!["cy".to_owned()], 3));
    assert_eq!(engine.findings(), [""; 0]);
}

/// Once a revocation is acknowledged, nobody comes in any more.
pub(crate) async fn p_invite_5_joins_against_a_revocation(engine: impl Engine) {
    let ledger = engine.ledger();
    let names = names();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    people(&*ledger, &known).await;
    let id = place(&*ledger).await;
    let invite = link(&*ledger, id, None).await;
    let joins = {
        let (ledger, names) = (Arc::clone(&ledger), names.clone());
        tokio::spawn(async move { all_join(&ledger, &names, invite).await })
    };
    // Messages go on meanwhile.
    done(ledger.submit(send("bob", id, 1, "words")).await);
    let revoke = RevokeInvite {
        thread_id: id,
        invite_id: invite,
    };
    done(ledger.submit(command("ann", revoke)).await);
    let at_acknowledgement = entered(&*ledger, id).await;
    let results = joins.await.expect("no panic");
    let came = results.iter().filter(|result| **result == Some(true));
    assert_eq!(came.count(), at_acknowledgement.0.len());
    assert_eq!(entered(&*ledger, id).await, at_acknowledgement);
    let late = ledger.submit(join("guest-0", invite)).await;
    assert_eq!(joined(late), None);
    let again = RevokeInvite {
        thread_id: id,
        invite_id: invite,
    };
    let again = ledger.submit(command("ann", again)).await;
    let refused = again.expect("it answers").result.expect("no replay");
    assert_eq!(refused.expect_err("it is gone").code, Code::NotFound);
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn p_invite_5_a_join_survives_a_crash_with_its_use(mut engine: impl Engine) {
    let ledger = engine.ledger();
    let id = place(&*ledger).await;
    people(&*ledger, &["cy", "dan"]).await;
    let invite = link(&*ledger, id, Some(1)).await;
    assert_eq!(joined(ledger.submit(join("cy", invite)).await), Some(true));
    drop(ledger);
    engine.crash().await;
    let ledger = engine.ledger();
    assert_eq!(row(&*ledger, invite).await.expect("a link").uses, 1);
    assert_eq!(joined(ledger.submit(join("cy", invite)).await), Some(false));
    assert_eq!(joined(ledger.submit(join("dan", invite)).await), None);
    assert_eq!(entered(&*ledger, id).await, (vec!["cy".to_owned()], 3));
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn what_is_wrong_with_links_is_found<E: Engine>(mut engine: E) {
    // What JSON writes in another way is counted as well.
    let quoted = r#"cy "the \ one""#;
    let ledger = engine.ledger();
    let id = place(&*ledger).await;
    people(&*ledger, &["cy", quoted]).await;
    let direct = thread_of(&done(ledger.submit(direct("ann", "bob")).await));
    let used = link(&*ledger, id, None).await;
    let unused = link(&*ledger, id, None).await;
    for who in ["cy", quoted] {
        assert_eq!(joined(ledger.submit(join(who, used)).await), Some(true));
    }
    assert_eq!(engine.findings(), [""; 0]);
    let (sound, other) = (row(&*ledger, used).await, row(&*ledger, unused).await);
    let (sound, other) = (sound.expect("a link"), other.expect("a link"));
    ledger.close().await;
    drop(ledger);
    let stray = |thread_id| InviteRow {
        thread_id,
        ..other.clone()
    };
    let by_a_stranger = InviteRow {
        created_by: user("zoe"),
        ..other.clone()
    };
    let one_more = InviteRow {
        uses: 1,
        ..other.clone()
    };
    for (wrong, words) in [
        (
            stray(ThreadId(uuid(77))),
            format!("link {unused}: it leads"),
        ),
        (stray(direct), format!("link {unused}: it leads")),
        (by_a_stranger, format!("link {unused}: it was made by zoe")),
        (
            one_more,
            format!("thread {id}: its links were used 3 times"),
        ),
    ] {
        let mut changes = Changes::default();
        changes.invites.push((used, Some(sound.clone())));
        changes.invites.push((unused, Some(wrong)));
        engine.reopen().await;
        engine.store(&changes);
        let findings = engine.findings().join("\n");
        assert!(findings.contains(&words), "{words} in {findings}");
    }
    let mut mended = Changes::default();
    mended.invites.push((unused, Some(other)));
    engine.reopen().await;
    engine.store(&mended);
    assert_eq!(engine.findings(), [""; 0]);
}
