//! Erasing people: in steps, over crashes, by many servers at once.

use std::{collections::BTreeSet, sync::Arc};

use semel_core::{
    Changes, Command, Key, Reply, Rows,
    actions::{
        Begin, BeginErasure, ByGrant, ChangeHandle, EraseStep, Expand, Leave, SetBlock,
        SetOperator, sign_in::ClaimOperator,
    },
    erasure::{ErasePlace, ErasureRow},
    plain::PlainKey,
    ports::{Ledger, LedgerError, ask},
    queries,
    row::{Fact, ParticipantRow, Standing},
    rows::List,
    sign_in::{IdentityKind, IdentityRow, SessionRow},
};
use semel_protocol::{Code, SessionId, ThreadId, Timestamp, requests::OnConflict, thread::Role};

use super::{
    Engine, let_sign_in, load,
    steps::{self, Job},
    world::{command, direct, done, group, pair, people, send, sent, thread_of, user, uuid},
};

/// Messages that race with the erasure of who says them.
const MESSAGES: u64 = 60;
/// More than are erased at once.
const MANY: u64 = 130;

fn code(reply: Result<Reply, LedgerError>) -> Option<Code> {
    let result = reply.expect("the ledger answers").result;
    result
        .expect("not a replay")
        .err()
        .map(|refusal| refusal.code)
}

async fn list(ledger: &dyn Ledger, key: Key) -> List {
    let rows = load(ledger, std::slice::from_ref(&key)).await;
    rows.lists[&key].clone()
}

async fn plain(ledger: &dyn Ledger, key: PlainKey) -> Vec<PlainKey> {
    match list(ledger, Key::Plain(key)).await {
        List::Plain(keys) => keys,
        other => panic!("{other:?}"),
    }
}

fn erases(actor: &str, who: &str, by: Begin) -> Command {
    let user_id = user(who);
    command(actor, BeginErasure { user_id, by })
}

pub(crate) fn erases_themselves(who: &str) -> Command {
    erases(who, who, Begin::Themselves(None))
}

/// One step; none when nobody is to be erased any more.
pub(crate) async fn step(ledger: &dyn Ledger) -> Option<bool> {
    let job = Job {
        due: queries::erasure::due,
        place: queries::erasure::place,
        next: queries::erasure::next,
        step: |user_id, (from, to), portion| {
            let step = EraseStep {
                user_id,
                from,
                to,
                portion,
            };
            step.into()
        },
    };
    steps::step(ledger, job).await
}

pub(crate) async fn rows_of_erasures_come_back_and_go<E: Engine>(mut engine: E) {
    let thread = ThreadId(uuid(1));
    let places = [
        ErasePlace::After(None),
        ErasePlace::After(Some(thread)),
        ErasePlace::In(thread, 7),
        ErasePlace::Contacts,
        ErasePlace::Lines,
        ErasePlace::Answers,
        ErasePlace::Pictures,
        ErasePlace::Blocks(None),
        ErasePlace::Blocks(Some(user("zoe"))),
    ];
    let mut changes = Changes::default();
    let mut stored = Vec::new();
    for (number, place) in (0..).zip(places) {
        let who = user(&format!("person-{number}"));
        let row = ErasureRow {
            began_at: Timestamp(1),
            place,
            due_at: Timestamp(10 - number),
        };
        changes.erasures.push((who.clone(), Some(row.clone())));
        stored.push((who, row));
    }
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let key = |who| Key::Plain(PlainKey::Erasure(who));
    let keys: Vec<Key> = stored.iter().map(|(who, _)| key(who.clone())).collect();
    let rows = load(&*ledger, &keys).await;
    for (who, row) in &stored {
        assert_eq!(rows.erasures.get(who), Some(Some(row)));
    }
    let due = plain(&*ledger, PlainKey::ErasuresDue(Timestamp(4), 10)).await;
    let expected = ["person-8", "person-7", "person-6"].map(|who| PlainKey::Erasure(user(who)));
    assert_eq!(due, expected, "those that wait longest first");
    ledger.close().await;
    drop(ledger);
    let mut gone = Changes::default();
    gone.erasures.push((user("person-0"), None));
    engine.reopen().await;
    engine.store(&gone);
    let rows = load(&*engine.ledger(), &[key(user("person-0"))]).await;
    assert_eq!(rows.erasures.get(&user("person-0")), Some(None));
}

pub(crate) async fn seats_are_listed_also_where_somebody_is_out(engine: impl Engine) {
    let ledger = engine.ledger();
    let direct = pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["cyd"]).await;
    let left = thread_of(&done(ledger.submit(group("ann", &["bob", "cyd"])).await));
    done(
        ledger
            .submit(command("ann", Leave { thread_id: left }))
            .await,
    );
    pair(&*ledger, "bob", "cyd").await;
    let mut expected = [direct, left];
    expected.sort_unstable();
    let page = |after, limit| Key::SeatsOf(user("ann"), after, limit);
    let seats = |found| match found {
        List::Seats(seats) => seats,
        other => panic!("{other:?}"),
    };
    assert_eq!(seats(list(&*ledger, page(None, 9)).await), expected);
    assert_eq!(seats(list(&*ledger, page(None, 1)).await), expected[..1]);
    let rest = page(Some(expected[0]), 9);
    assert_eq!(seats(list(&*ledger, rest).await), expected[1..]);
}

/// Ann with everything that somebody can have; the direct thread with Bob, and a group of which she is the only admin.
async fn ann_with_everything<E: Engine>(engine: &mut E) -> (ThreadId, ThreadId) {
    let mut changes = Changes::default();
    let identity = IdentityRow {
        user_id: user("ann"),
        label: "+49 30 1".to_owned(),
        verified_at: Some(Timestamp(1)),
        created_at: Timestamp(1),
    };
    let key = (IdentityKind::Phone, "+49301".to_owned());
    changes.identities.push((key, Some(identity)));
    let session = SessionRow {
        user_id: user("ann"),
        kind: IdentityKind::Phone,
        device_id: Some("phone".to_owned()),
        device_name: Some("Ann's phone".to_owned()),
        salt: [4; 16],
        generation: 0,
        rotated_at: Timestamp(1),
        created_at: Timestamp(1),
        expires_at: Timestamp(i64::MAX),
        revoked_at: None,
    };
    let id = SessionId(uuid(1));
    changes.sessions.push((id, Some(session)));
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let direct = pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["cyd", "dee"]).await;
    let group = thread_of(&done(ledger.submit(group("ann", &["bob", "cyd"])).await));
    let handle = ChangeHandle {
        handle: Some("ann_smith".to_owned()),
    };
    done(ledger.submit(command("ann", handle)).await);
    for who in ["cyd", "dee"] {
        let block = SetBlock {
            user_id: user(who),
            is_blocked: true,
        };
        done(ledger.submit(command("ann", block)).await);
    }
    for number in 0..MANY {
        sent(ledger.submit(send("ann", group, number, "of Ann")).await);
    }
    for (number, thread) in [(1_000, direct), (1_001, group)] {
        sent(ledger.submit(send("ann", thread, number, "of Ann")).await);
        sent(
            ledger
                .submit(send("bob", thread, number + 10, "of Bob"))
                .await,
        );
    }
    (direct, group)
}

async fn last_seq(ledger: &dyn Ledger, id: ThreadId) -> u64 {
    let rows = load(ledger, &[Key::Thread(id)]).await;
    rows.heads.get(&id).flatten().expect("a head").last_seq
}

async fn whole_log(ledger: &dyn Ledger, id: ThreadId) -> Rows {
    let last = last_seq(ledger, id).await;
    let keys = [Key::Thread(id), Key::Roster(id), Key::Messages(id, 1, last)];
    load(ledger, &keys).await
}

fn check_words(rows: &Rows, id: ThreadId, count: usize) {
    let messages = rows.messages.iter().filter(|((of, _), _)| *of == id);
    let mut erased = 0;
    for (_, message) in messages {
        assert!(!message.content.contains("of Ann"), "{message:?}");
        if message.sender_id == user("ann") && message.deleted_at.is_some() {
            assert!(!message.is_removed && message.content.is_empty());
            erased += 1;
        }
        if message.sender_id == user("bob") && message.deleted_at.is_none() {
            assert!(message.content == "of Bob" || message.client_id.is_none());
        }
    }
    assert_eq!(erased, count, "each of them once");
}

async fn check_nothing_is_left(ledger: &dyn Ledger, direct: ThreadId, group: ThreadId) {
    let ann = || user("ann");
    for list in [
        PlainKey::IdentitiesOf(ann()),
        PlainKey::SessionsOf(ann()),
        PlainKey::ErasuresDue(Timestamp(i64::MAX), 10),
    ] {
        assert!(plain(ledger, list.clone()).await.is_empty(), "{list:?}");
    }
    let handle = Key::Plain(PlainKey::Handle("ann_smith".to_owned()));
    let session = SessionId(uuid(1));
    let of_session = Key::Plain(PlainKey::Session(session));
    let rows = load(ledger, &[handle, of_session, Key::User(ann())]).await;
    let session = rows.sessions.get(&session).flatten().expect("it was ended");
    assert_eq!((&session.device_id, &session.device_name), (&None, &None));
    assert_eq!(rows.handles.get(&"ann_smith".to_owned()), Some(None));
    let row = rows.users.get(&ann()).flatten().expect("a row");
    assert!(matches!(row.standing, Standing::Erased(_)));
    assert_eq!(row.display_name.as_deref(), Some("Deleted account"));
    assert_eq!(row.handle, None);
    let contacts = list(ledger, Key::ContactsOf(ann(), None, 10)).await;
    assert!(matches!(contacts, List::People(people) if people.is_empty()));
    // What is left keeps the direct thread shut.
    let blocks = plain(ledger, PlainKey::BlocksOf(ann(), None, 10)).await;
    assert_eq!(blocks, [PlainKey::Block(ann(), user("bob"))]);
    let own = list(ledger, Key::PersonLog(ann(), 0, 10)).await;
    let List::Subjects(own) = own else {
        panic!("{own:?}");
    };
    assert!(own.is_empty(), "{own:?}");
    check_words(&whole_log(ledger, direct).await, direct, 1);
    let rows = whole_log(ledger, group).await;
    check_words(&rows, group, MANY as usize + 1);
    let seat = |who: &str| rows.participants.get(&(group, user(who))).flatten();
    assert!(!seat("ann").expect("a seat").is_active());
    let admins: Vec<_> = ["bob", "cyd"]
        .into_iter()
        .filter(|who| seat(who).expect("a seat").role == Role::Admin)
        .collect();
    assert_eq!(admins.len(), 1, "somebody else is one now");
    let said = ledger.submit(send("bob", direct, 5_000, "are you there?"));
    assert_eq!(code(said.await), Some(Code::Unreachable));
}

pub(crate) async fn p_erase_3_an_erasure_goes_on_after_every_crash<E: Engine>(mut engine: E) {
    let (direct, group) = ann_with_everything(&mut engine).await;
    done(engine.ledger().submit(erases_themselves("ann")).await);
    let mut steps = 0;
    loop {
        engine.crash().await;
        let ledger = engine.ledger();
        match step(&*ledger).await {
            Some(is_taken) => assert!(is_taken, "nobody else is at it"),
            None => break,
        }
        steps += 1;
        assert!(steps < 60, "it comes to an end");
    }
    assert!(steps > 8, "{steps}: it goes in small steps");
    check_nothing_is_left(&*engine.ledger(), direct, group).await;
    assert!(engine.findings().is_empty(), "{:?}", engine.findings());
}

pub(crate) async fn p_erase_3_many_who_erase_one_at_once_do_it_once<E: Engine>(mut engine: E) {
    let (direct, group) = ann_with_everything(&mut engine).await;
    let ledger = engine.ledger();
    done(ledger.submit(erases_themselves("ann")).await);
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { while step(&*ledger).await.is_some() {} })
        })
        .collect();
    for worker in workers {
        worker.await.expect("no panic");
    }
    check_nothing_is_left(&*ledger, direct, group).await;
    let entries = list(&*ledger, Key::Entries(group, 0, 10_000)).await;
    let List::Entries(entries) = entries else {
        panic!("{entries:?}");
    };
    let count = |is: fn(&Fact) -> bool| entries.iter().filter(|it| is(&it.fact)).count();
    let left = |fact: &Fact| matches!(fact, Fact::ParticipantLeft(..));
    assert_eq!(count(left), 1);
    let buried: Vec<_> = entries
        .iter()
        .filter_map(|it| match it.fact {
            Fact::MessageDeleted(seq) => Some(seq),
            _ => None,
        })
        .collect();
    let different: BTreeSet<_> = buried.iter().collect();
    assert_eq!(
        (buried.len(), different.len()),
        (MANY as usize + 1, MANY as usize + 1)
    );
    assert!(engine.findings().is_empty(), "{:?}", engine.findings());
}

/// Once an erasure is acknowledged, nothing more of theirs is stored, whatever was under way.
pub(crate) async fn p_erase_1_an_erasure_against_sends(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let mut sends = Vec::new();
    let mut erased = None;
    for n in 0..MESSAGES {
        let says = Arc::clone(&ledger);
        let sent = async move { says.submit(send("ann", id, n, "words")).await };
        sends.push(tokio::spawn(sent));
        if n == MESSAGES / 2 {
            let ledger = Arc::clone(&ledger);
            erased = Some(tokio::spawn(async move {
                done(ledger.submit(erases_themselves("ann")).await);
                last_seq(&*ledger, id).await
            }));
        }
    }
    let at_acknowledgement = erased.expect("begun").await.expect("no panic");
    for sent in sends {
        if let Some(code) = code(sent.await.expect("no panic")) {
            assert_eq!(code, Code::Erased);
        }
    }
    assert_eq!(last_seq(&*ledger, id).await, at_acknowledgement);
    while step(&*ledger).await.is_some() {}
    let rows = whole_log(&*ledger, id).await;
    assert!(rows.messages.iter().all(|(_, it)| it.content.is_empty()));
    let again = ledger.submit(erases_themselves("ann")).await;
    assert_eq!(code(again), Some(Code::Erased));
}

/// From the first moment on, also where their seat was not given up yet.
pub(crate) async fn p_erase_2_nobody_begins_anything_with_an_erased_person(engine: impl Engine) {
    let ledger = engine.ledger();
    let direct_id = pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["cyd", "dan"]).await;
    let of_three = thread_of(&done(ledger.submit(group("bob", &["ann", "cyd"])).await));
    done(ledger.submit(erases_themselves("ann")).await);
    let expand = |names: &[&str]| {
        let action = Expand {
            thread_id: of_three,
            new_participants: names.iter().map(|who| user(who)).collect(),
            message_content: None,
            client_id: None,
            on_conflict: OnConflict::Refuse,
        };
        command("bob", action)
    };
    for is_over in [false, true] {
        let seats = load(&*ledger, &[Key::Roster(of_three)]).await;
        let seat = seats.participants.get(&(of_three, user("ann"))).flatten();
        assert_eq!(seat.is_some_and(ParticipantRow::is_active), !is_over);
        for call in [
            direct("bob", "ann"),
            group("bob", &["ann", "cyd"]),
            group("bob", &["ann", "dan"]),
            expand(&["ann"]),
            expand(&["ann", "dan"]),
        ] {
            let refused = ledger.submit(call.clone()).await.expect("an answer");
            let refusal = refused.result.expect("no replay").expect_err("refused");
            assert_eq!(refusal.code, Code::UnknownUsers, "{call:?}");
            assert_eq!(refusal.user_ids, [user("ann")]);
        }
        while step(&*ledger).await.is_some() {}
    }
    // What is there is found and read as before, under the name that is left.
    let read = ask(&*ledger, move |rows| {
        queries::thread(rows, &user("bob"), direct_id)
    });
    let read = read.await.expect("an answer").expect("no refusal");
    assert_eq!(read.title.as_deref(), Some("Deleted account"));
}

pub(crate) async fn p_erase_4_of_operators_who_erase_each_other_at_once_one_stays<E: Engine>(
    mut engine: E,
) {
    let_sign_in(&mut engine, &["op-0", "op-1", "op-2", "op-3", "op-4"]).await;
    let ledger = engine.ledger();
    people(&*ledger, &["op-0"]).await;
    done(ledger.submit(command("op-0", ClaimOperator)).await);
    let last = ledger.submit(erases_themselves("op-0")).await;
    assert_eq!(code(last), Some(Code::LastOperator));
    let mut left = "op-0".to_owned();
    for round in 1..=4 {
        let other = format!("op-{round}");
        people(&*ledger, &[&other]).await;
        let grant = SetOperator {
            user_id: user(&other),
            is_operator: true,
            reason: "because".to_owned(),
        };
        done(ledger.submit(command(&left, grant)).await);
        let erase = |actor: &str, who: &str| {
            let by = Begin::Operator("because".to_owned());
            let user_id = user(who);
            let action = Box::new(BeginErasure { user_id, by }.into());
            let (ledger, command) = (Arc::clone(&ledger), command(actor, ByGrant { action }));
            tokio::spawn(async move { ledger.submit(command).await })
        };
        let both = [erase(&left, &other), erase(&other, &left)];
        let mut refused = 0;
        for call in both {
            if let Some(code) = code(call.await.expect("no panic")) {
                assert!(
                    [Code::Erased, Code::LastOperator].contains(&code),
                    "{code:?}"
                );
                refused += 1;
            }
        }
        assert_eq!(refused, 1);
        let operators = plain(&*ledger, PlainKey::Operators(10)).await;
        let [PlainKey::Operator(who)] = operators.as_slice() else {
            panic!("{operators:?}");
        };
        left = who.as_str().to_owned();
    }
}
