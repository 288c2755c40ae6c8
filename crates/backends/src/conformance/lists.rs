//! Keys of lists: their order, their limits, and where the next page begins.

use semel_core::{
    Changes, Key, Rows,
    row::{AnswerRow, ContactRow, Fact, Standing, Subject, UserRow},
    rows::List,
};
use semel_protocol::{MessageId, ThreadId, Timestamp, UserId, message::MessageKind};

use super::{
    Engine, load,
    rows::{log_of, messages_of, participant_row},
    world::{user, uuid},
};

fn names(rows: &Rows, key: &Key) -> Vec<String> {
    match &rows.lists[key] {
        List::People(people) => people.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?} has no people"),
    }
}

fn merge(into: &mut Changes, more: Changes) {
    into.threads.extend(more.threads);
    into.heads.extend(more.heads);
    into.messages.extend(more.messages);
    into.entries.extend(more.entries);
    into.participants.extend(more.participants);
}

pub(crate) async fn contacts_page(engine: impl Engine) {
    let mut changes = Changes::default();
    for name in ["bob", "cy", "dee", "eve"] {
        let row = Some(ContactRow {
            since: Timestamp(1),
            own_name: None,
        });
        changes.contacts.push(((user("ann"), user(name)), row));
    }
    changes.contacts.push((
        (user("bob"), user("zoe")),
        Some(ContactRow {
            since: Timestamp(1),
            own_name: None,
        }),
    ));
    // Of some the person is known, and one of them is suspended.
    let bob = person_row(Standing::Good);
    let cy = person_row(Standing::Suspended(Timestamp(9)));
    changes.users.push((user("bob"), Some(bob.clone())));
    changes.users.push((user("cy"), Some(cy.clone())));
    engine.store(&changes);
    let first = Key::ContactsOf(user("ann"), None, 3);
    let second = Key::ContactsOf(user("ann"), Some(user("dee")), 3);
    let rows = load(&*engine.ledger(), &[first.clone(), second.clone()]).await;
    assert_eq!(names(&rows, &first), ["bob", "cy", "dee"]);
    assert_eq!(names(&rows, &second), ["eve"]);
    assert!(
        rows.contacts
            .get(&(user("ann"), user("bob")))
            .flatten()
            .is_some()
    );
    assert_eq!(rows.users.get(&user("bob")), Some(Some(&bob)));
    assert_eq!(rows.users.get(&user("cy")), Some(Some(&cy)));
}

fn person_row(standing: Standing) -> UserRow {
    UserRow {
        display_name: Some("Somebody".to_owned()),
        about: None,
        picture: None,
        handle: Some("some_body".to_owned()),
        standing,
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
    }
}

pub(crate) async fn threads_page_newest_first_without_hidden_ones(engine: impl Engine) {
    let ids: Vec<ThreadId> = (1..=6).map(|number| ThreadId(uuid(number))).collect();
    let mut changes = Changes::default();
    // The last entries of the second and the third are of one moment: then the greater id comes first.
    let starts = [10_000, 20_000, 20_000, 30_000, 40_000, 50_000];
    for (number, (id, start)) in (1..).zip(ids.iter().zip(starts)) {
        let mut more = messages_of(*id, start, 2);
        for (_, message) in &mut more.messages {
            let message = message.as_mut().expect("a message");
            message.id = MessageId(uuid(message.seq + 10 * number));
        }
        more.participants
            .push(((*id, user("ann")), Some(participant_row(1))));
        merge(&mut changes, more);
    }
    let hidden = changes.participants[3].1.as_mut().expect("a participant");
    hidden.hidden_seq = Some(2);
    let woken = changes.participants[4].1.as_mut().expect("a participant");
    woken.hidden_seq = Some(1);
    changes.participants[5]
        .1
        .as_mut()
        .expect("a participant")
        .periods[0]
        .until_rev = Some(3);
    engine.store(&changes);

    let first = Key::ThreadsOf(user("ann"), None, 2);
    let rows = load(&*engine.ledger(), std::slice::from_ref(&first)).await;
    let List::Threads(page) = &rows.lists[&first] else {
        panic!("threads")
    };
    assert_eq!(
        *page,
        [(Timestamp(40_003), ids[4]), (Timestamp(20_003), ids[2])]
    );
    let second = Key::ThreadsOf(user("ann"), page.last().copied(), 2);
    let rows = load(&*engine.ledger(), std::slice::from_ref(&second)).await;
    let List::Threads(page) = &rows.lists[&second] else {
        panic!("threads")
    };
    assert_eq!(
        *page,
        [(Timestamp(20_003), ids[1]), (Timestamp(10_003), ids[0])]
    );
}

pub(crate) async fn standing_pages(engine: impl Engine) {
    let id = ThreadId(uuid(1));
    let mut changes = messages_of(id, 20, 1);
    for (name, joined_rev) in [("a", 9), ("b", 2), ("c", 2), ("d", 1), ("e", 1)] {
        changes
            .participants
            .push(((id, user(name)), Some(participant_row(joined_rev))));
    }
    changes.participants[4]
        .1
        .as_mut()
        .expect("a participant")
        .periods[0]
        .until_rev = Some(3);
    engine.store(&changes);
    let first = Key::Standing(id, None, 2);
    let second = Key::Standing(id, Some((2, user("b"))), 2);
    let rows = load(&*engine.ledger(), &[first.clone(), second.clone()]).await;
    assert_eq!(names(&rows, &first), ["d", "b"]);
    assert_eq!(names(&rows, &second), ["c", "a"]);
    for name in ["a", "b", "c", "d"] {
        assert!(
            rows.participants.get(&(id, user(name))).flatten().is_some(),
            "{name}"
        );
        assert!(rows.positions.knows(&(id, user(name))), "{name}");
        assert!(rows.users.knows(&user(name)), "{name}");
    }
}

pub(crate) async fn entries_page_with_their_messages(engine: impl Engine) {
    let id = ThreadId(uuid(1));
    let text = Some(MessageKind::Text);
    let facts = [
        (Fact::ThreadCreated(vec![user("ann")], None), None),
        (Fact::Message, text),
        (Fact::Message, text),
        (Fact::MessageEdited(1), None),
        (Fact::Message, text),
    ];
    let changes = log_of(id, 20, &facts);
    engine.store(&changes);
    let key = Key::Entries(id, 2, 2);
    let beyond = Key::Entries(id, u64::MAX, 2);
    let rows = load(&*engine.ledger(), &[key.clone(), beyond.clone()]).await;
    let List::Entries(page) = &rows.lists[&key] else {
        panic!("entries")
    };
    assert_eq!(
        page.iter().map(|entry| entry.rev).collect::<Vec<_>>(),
        [3, 4]
    );
    assert!(
        rows.messages.get(&(id, 2)).flatten().is_some(),
        "it came with entry 3"
    );
    assert!(
        rows.messages.get(&(id, 1)).flatten().is_some(),
        "entry 4 is about it"
    );
    assert!(matches!(&rows.lists[&beyond], List::Entries(page) if page.is_empty()));
}

pub(crate) async fn messages_fill_their_interval(engine: impl Engine) {
    let id = ThreadId(uuid(1));
    engine.store(&messages_of(id, 20, 3));
    let rows = load(&*engine.ledger(), &[Key::Messages(id, 2, 5)]).await;
    let found: Vec<_> = (1..=5)
        .map(|seq| rows.messages.get(&(id, seq)).map(|row| row.is_some()))
        .collect();
    assert_eq!(
        found,
        [None, Some(true), Some(true), Some(false), Some(false)]
    );
    assert!(matches!(
        rows.lists[&Key::Messages(id, 2, 5)],
        List::Messages
    ));
}

/// Entries that bring no message stand before, between and after messages, few or many of them.
pub(crate) async fn messages_are_found_whatever_stands_between_them(engine: impl Engine) {
    let text = Some(MessageKind::Text);
    let logs: [&[usize]; 5] = [
        &[1, 0, 0, 0, 0, 0],
        &[60, 0, 0, 0, 1],
        &[1, 0, 45, 0, 0, 3, 0],
        &[1, 20, 20, 20, 20],
        &[1, 0, 0, 70],
    ];
    for (n, gaps) in (1..).zip(logs) {
        let id = ThreadId(uuid(n));
        let mut facts = vec![(Fact::ThreadCreated(vec![user("ann")], None), None)];
        for (seq, gap) in gaps.iter().enumerate() {
            if seq > 0 {
                facts.push((Fact::Message, text));
            }
            let renamed = Fact::TitleChanged {
                title: None,
                is_automatic: false,
            };
            facts.extend((1..*gap).map(|_| (renamed.clone(), None)));
        }
        engine.store(&log_of(id, 1000 * n as i64, &facts));
        let last = gaps.len() as u64 - 1;
        let is_found = |rows: &Rows, seq| {
            let message = rows.messages.get(&(id, seq)).expect("it was asked for");
            message.is_some_and(|message| message.content == format!("words {seq}"))
        };
        for from in 0..=last + 1 {
            let rows = load(&*engine.ledger(), &[Key::Message(id, from)]).await;
            assert_eq!(
                is_found(&rows, from),
                (1..=last).contains(&from),
                "{gaps:?} {from}"
            );
            for to in from..=last + 2 {
                let rows = load(&*engine.ledger(), &[Key::Messages(id, from, to)]).await;
                for seq in from..=to {
                    let is_there = (1..=last).contains(&seq);
                    assert_eq!(is_found(&rows, seq), is_there, "{gaps:?} {from} {to} {seq}");
                }
            }
        }
    }
    let none = load(&*engine.ledger(), &[Key::Message(ThreadId(uuid(99)), 1)]).await;
    assert_eq!(none.messages.get(&(ThreadId(uuid(99)), 1)), Some(None));
}

pub(crate) async fn stored_answers_are_found_by_message_and_time(engine: impl Engine) {
    let answer = |time, numbers: &[u64]| AnswerRow {
        fingerprint: [0; 32],
        status: 200,
        body: b"body".to_vec(),
        location: None,
        created_at: Timestamp(time),
        message_ids: numbers
            .iter()
            .map(|number| MessageId(uuid(*number)))
            .collect(),
    };
    let key = |text: &str| (user("ann"), text.to_owned());
    let answers = vec![
        (key("a"), Some(answer(30, &[1, 2]))),
        (key("b"), Some(answer(10, &[2]))),
        (key("c"), Some(answer(20, &[]))),
    ];
    let mut changes = Changes {
        answers,
        ..Changes::default()
    };
    engine.store(&changes);
    let keys = [
        Key::AnswersNaming(MessageId(uuid(2))),
        Key::AnswersBefore(Timestamp(30), 5),
        Key::AnswersBefore(Timestamp(99), 1),
    ];
    let list = |rows: &Rows, at: usize| match &rows.lists[&keys[at]] {
        List::Answers(list) => list.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>(),
        other => panic!("{other:?} has no answers"),
    };
    let rows = load(&*engine.ledger(), &keys).await;
    assert_eq!(list(&rows, 0), ["a", "b"]);
    assert_eq!(list(&rows, 1), ["b", "c"]);
    assert_eq!(list(&rows, 2), ["b"]);

    // One is removed, one names other messages now.
    changes.answers = vec![(key("b"), None), (key("c"), Some(answer(20, &[2])))];
    engine.store(&changes);
    let rows = load(
        &*engine.ledger(),
        &[
            keys.to_vec(),
            vec![Key::Answer(user("ann"), "b".to_owned())],
        ]
        .concat(),
    )
    .await;
    assert_eq!(list(&rows, 0), ["a", "c"]);
    assert_eq!(list(&rows, 1), ["c"]);
    assert_eq!(rows.answers.get(&key("b")), Some(None));
}

pub(crate) async fn a_persons_log_is_read_line_by_line_and_page_by_page(engine: impl Engine) {
    let (ann, id): (UserId, _) = (user("ann"), ThreadId(uuid(1)));
    let line = |subject, number| ((user("ann"), subject), Some(number));
    let person_log = vec![
        line(Subject::Read(id), 1),
        line(Subject::Contact(user("bob")), 2),
    ];
    let mut changes = Changes {
        person_log,
        ..Changes::default()
    };
    engine.store(&changes);
    changes.person_log = vec![line(Subject::Read(id), 3)];
    engine.store(&changes);
    let contact = Subject::Contact(user("bob"));
    let keys = [
        Key::PersonLog(ann.clone(), 0, 10),
        Key::PersonLog(ann.clone(), 2, 10),
        Key::PersonLog(ann.clone(), 0, 1),
    ];
    let subjects = [Subject::Read(id), contact.clone(), Subject::Thread(id)];
    let line_keys = subjects.map(|subject| Key::PersonLine(ann.clone(), subject));
    let both = [line_keys.to_vec(), keys.to_vec()].concat();
    let rows = load(&*engine.ledger(), &both).await;
    let number = |subject| rows.person_log.get(&(ann.clone(), subject));
    assert_eq!(number(Subject::Read(id)), Some(Some(&3)));
    assert_eq!(number(contact.clone()), Some(Some(&2)));
    assert_eq!(number(Subject::Thread(id)), Some(None));
    let lines = |at: usize| match &rows.lists[&keys[at]] {
        List::Subjects(lines) => lines.clone(),
        other => panic!("{other:?} has no subjects"),
    };
    assert_eq!(lines(0), [(2, contact.clone()), (3, Subject::Read(id))]);
    assert_eq!(lines(1), [(3, Subject::Read(id))]);
    assert_eq!(lines(2), [(2, contact)]);
}
