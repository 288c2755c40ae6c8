//! Rows go in and come out the same.

use semel_core::{
    Changes, Key,
    chain::Chain,
    participants_key::ParticipantsKey,
    plain::PlainKey,
    row::{
        AnswerRow, BlockRow, ClientIdRow, ContactRow, EntryRow, FOREVER, Fact, HeadRow, MessageRow,
        ParticipantRow, Period, PositionRow, PreferencesRow, Side, Standing, Subject, ThreadRow,
        UserRow,
    },
    rows::List,
};
use semel_protocol::{
    ClientId, MessageId, ThreadId, Timestamp, UserId,
    message::MessageKind,
    thread::{Allowed, History, Role, ThreadSettings, ThreadType},
};

use super::{
    Engine, load,
    world::{user, uuid},
};

pub(crate) fn thread_row(id: ThreadId) -> ThreadRow {
    ThreadRow {
        id,
        thread_type: ThreadType::Group,
        title: Some("Ann, Bob".to_owned()),
        title_is_automatic: true,
        description: Some("What it is about.\nAnd more.".to_owned()),
        picture: Some("https://example.org/picture".to_owned()),
        settings: ThreadSettings {
            history: History::Joined,
            posting: Allowed::Admins,
            adding: Allowed::Everyone,
            naming: Allowed::Everyone,
        },
        participants_key: Some(ParticipantsKey([3; 32])),
        is_separate: false,
        participant_count: 2,
        epoch: 5,
        created_by: user("ann"),
        created_at: Timestamp(11),
    }
}

pub(crate) fn participant_row(joined_rev: u64) -> ParticipantRow {
    let period = Period {
        from_seq: 1,
        from_rev: joined_rev,
        until_rev: None,
        until_seq: None,
    };
    ParticipantRow {
        role: Role::Participant,
        joined_rev,
        periods: vec![period],
        hidden_seq: None,
        is_removed: false,
        block: None,
        preferences: PreferencesRow::default(),
    }
}

/// The log of a thread: one entry for each fact, with a message for each that brings one.
pub(crate) fn log_of(
    thread_id: ThreadId,
    start: i64,
    facts: &[(Fact, Option<MessageKind>)],
) -> Changes {
    let mut changes = Changes::default();
    let (mut seq, mut count, mut chain) = (0, 0, Chain::default());
    for (rev, (fact, kind)) in (1..).zip(facts) {
        let content_hash = [rev as u8; 16];
        chain = chain.next(rev, &content_hash);
        let created_at = Timestamp(start + rev as i64);
        if let Some(kind) = kind {
            seq += 1;
            count += u64::from(*kind != MessageKind::System);
            let message = MessageRow {
                id: MessageId(uuid(start as u64 * 1000 + seq)),
                thread_id,
                seq,
                first_rev: rev,
                rev,
                count,
                sender_id: user("ann"),
                client_id: None,
                kind: *kind,
                content: format!("words {seq}"),
                reply_to: None,
                reactions: Vec::new(),
                created_at,
                edited_at: None,
                deleted_at: None,
                is_removed: false,
            };
            changes.messages.push(((thread_id, seq), Some(message)));
        }
        changes.entries.push(EntryRow {
            thread_id,
            rev,
            epoch: 5,
            seq: kind.map(|_| seq),
            fact: fact.clone(),
            actor_id: user("ann"),
            created_at,
            content_hash,
            chain,
        });
    }
    let last = changes.entries.last().expect("a log has entries");
    let head = HeadRow {
        last_rev: last.rev,
        last_seq: seq,
        message_count: count,
        chain,
        updated_at: last.created_at,
    };
    changes.heads.push((thread_id, Some(head)));
    changes
        .threads
        .push((thread_id, Some(thread_row(thread_id))));
    changes
}

/// A log of plain messages.
pub(crate) fn messages_of(thread_id: ThreadId, start: i64, count: usize) -> Changes {
    let begin = (Fact::ThreadCreated(vec![user("ann")], None), None);
    let says = std::iter::repeat_n((Fact::Message, Some(MessageKind::Text)), count);
    log_of(
        thread_id,
        start,
        &std::iter::once(begin).chain(says).collect::<Vec<_>>(),
    )
}

/// A row of each kind, all about one thread of Ann and somebody with an unusual name.
pub(crate) fn one_of_each(id: ThreadId, ann: &UserId, bob: &UserId) -> Changes {
    let mut changes = messages_of(id, 20, 2);
    let message = changes.messages[1].1.as_mut().expect("a message");
    message.client_id = Some(ClientId(uuid(77)));
    message.reply_to = Some(MessageId(uuid(5)));
    message.reactions = vec![("👍🏽".to_owned(), vec![bob.clone(), ann.clone()])];
    message.edited_at = Some(Timestamp(90));
    message.deleted_at = Some(Timestamp(91));
    message.is_removed = true;
    let periods = vec![
        Period {
            from_seq: 1,
            from_rev: 1,
            until_rev: Some(4),
            until_seq: Some(2),
        },
        Period {
            from_seq: 3,
            from_rev: 7,
            until_rev: None,
            until_seq: None,
        },
    ];
    let hidden_seq = Some(4);
    let participant = ParticipantRow {
        role: Role::Admin,
        joined_rev: 7,
        periods,
        hidden_seq,
        is_removed: true,
        block: Some(Side::IsBlocked),
        preferences: PreferencesRow {
            muted_until: Some(FOREVER),
            pinned_at: Some(Timestamp(5)),
            is_archived: true,
        },
    };
    changes
        .participants
        .push(((id, bob.clone()), Some(participant)));
    let position = PositionRow {
        read_seq: 2,
        read_count: 1,
        delivered_seq: 2,
    };
    changes.positions.push(((id, bob.clone()), Some(position)));
    changes
        .participants_keys
        .push((ParticipantsKey([3; 32]), Some(id)));
    let client = ClientIdRow {
        thread_id: id,
        seq: Some(2),
        content_hash: [9; 16],
    };
    changes
        .client_ids
        .push(((ClientId(uuid(77)), ann.clone()), Some(client)));
    person_rows(&mut changes, id, ann, bob);
    changes
}

/// What is Ann's own.
fn person_rows(changes: &mut Changes, id: ThreadId, ann: &UserId, bob: &UserId) {
    let person = UserRow {
        display_name: Some("Ann".to_owned()),
        about: Some("about".to_owned()),
        picture: None,
        handle: None,
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
        standing: Standing::Good,
    };
    changes.users.push((ann.clone(), Some(person)));
    let contact = ContactRow {
        since: Timestamp(3),
        own_name: Some("Bobby".to_owned()),
    };
    changes
        .contacts
        .push(((ann.clone(), bob.clone()), Some(contact)));
    let block = BlockRow {
        since: Timestamp(4),
    };
    changes
        .blocks
        .push(((ann.clone(), bob.clone()), Some(block)));
    changes.person_heads.push((ann.clone(), Some(12)));
    let subjects = [
        Subject::Read(id),
        Subject::Thread(id),
        Subject::Contact(bob.clone()),
        Subject::Block(bob.clone()),
        Subject::BlockedBy(bob.clone()),
        Subject::Profile(bob.clone()),
    ];
    for (number, subject) in (7..).zip(subjects) {
        changes
            .person_log
            .push(((ann.clone(), subject), Some(number)));
    }
    let answer = AnswerRow {
        fingerprint: [4; 32],
        status: 201,
        body: vec![0, 255, b'{'],
        location: Some("/api/chat/threads/1".to_owned()),
        created_at: Timestamp(50),
        message_ids: vec![MessageId(uuid(9)), MessageId(uuid(8))],
    };
    changes
        .answers
        .push(((ann.clone(), "key".to_owned()), Some(answer)));
}

pub(crate) async fn every_kind_of_row_comes_back(engine: impl Engine) {
    let (id, ann, bob) = (ThreadId(uuid(1)), user("ann"), user("böb, the \"second\""));
    let changes = one_of_each(id, &ann, &bob);
    engine.store(&changes);
    let second = changes.messages[1].1.as_ref().expect("a message").id;
    let entries = Key::Entries(id, 0, 10);
    let keys = vec![
        Key::Thread(id),
        Key::Participant(id, bob.clone()),
        Key::ParticipantsKey(ParticipantsKey([3; 32])),
        Key::ClientId(ClientId(uuid(77)), ann.clone()),
        Key::Message(id, 1),
        Key::MessageId(id, second),
        Key::User(ann.clone()),
        Key::Contact(ann.clone(), bob.clone()),
        Key::Plain(PlainKey::Block(ann.clone(), bob.clone())),
        Key::PersonHead(ann.clone()),
        Key::PersonLine(ann.clone(), Subject::Profile(bob.clone())),
        Key::PersonLog(ann.clone(), 0, 10),
        Key::Answer(ann.clone(), "key".to_owned()),
        Key::Roster(id),
        entries.clone(),
        Key::ChainAt(id, 2),
    ];
    let rows = load(&*engine.ledger(), &[Key::Many(keys)]).await;
    macro_rules! same {
        ($($table:ident),*) => {$(
            for (key, row) in &changes.$table {
                assert_eq!(rows.$table.get(key), Some(row.as_ref()), stringify!($table));
            }
        )*};
    }
    same!(
        threads,
        heads,
        participants,
        positions,
        participants_keys,
        client_ids,
        messages
    );
    same!(users, contacts, blocks, person_heads, person_log, answers);
    assert_eq!(rows.message_seqs.get(&(id, second)), Some(Some(&2)));
    let List::Entries(log) = &rows.lists[&entries] else {
        panic!("entries")
    };
    assert_eq!(*log, changes.entries);
    let List::Chain(chain) = &rows.lists[&Key::ChainAt(id, 2)] else {
        panic!("a chain")
    };
    assert_eq!(*chain, Some(changes.entries[1].chain));
    let List::Subjects(lines) = &rows.lists[&Key::PersonLog(ann, 0, 10)] else {
        panic!("subjects")
    };
    let told = lines
        .iter()
        .map(|(number, subject)| (subject, Some(*number)));
    let stored = changes
        .person_log
        .iter()
        .map(|((_, subject), number)| (subject, *number));
    assert!(told.eq(stored), "{lines:?}");
    let List::People(people) = &rows.lists[&Key::Roster(id)] else {
        panic!("people")
    };
    assert_eq!(*people, [bob]);
}

pub(crate) async fn what_is_absent_is_known_to_be(engine: impl Engine) {
    let (id, ann, message) = (ThreadId(uuid(1)), user("ann"), MessageId(uuid(2)));
    let keys = vec![
        Key::Thread(id),
        Key::Participant(id, ann.clone()),
        Key::ParticipantsKey(ParticipantsKey([0; 32])),
        Key::ClientId(ClientId(uuid(3)), ann.clone()),
        Key::Message(id, 1),
        Key::MessageId(id, message),
        Key::User(ann.clone()),
        Key::Contact(ann.clone(), ann.clone()),
        Key::PersonHead(ann.clone()),
        Key::PersonLine(ann.clone(), Subject::Read(id)),
        Key::Answer(ann.clone(), "key".to_owned()),
        Key::AnswersNaming(message),
        Key::ChainAt(id, 1),
        Key::Roster(id),
    ];
    let rows = load(&*engine.ledger(), &keys).await;
    let seat = (id, ann.clone());
    assert_eq!(rows.threads.get(&id), Some(None));
    assert_eq!(rows.heads.get(&id), Some(None));
    assert_eq!(rows.participants.get(&seat), Some(None));
    assert_eq!(rows.positions.get(&seat), Some(None));
    assert_eq!(
        rows.participants_keys.get(&ParticipantsKey([0; 32])),
        Some(None)
    );
    assert_eq!(
        rows.client_ids.get(&(ClientId(uuid(3)), ann.clone())),
        Some(None)
    );
    assert_eq!(rows.messages.get(&(id, 1)), Some(None));
    assert_eq!(rows.message_seqs.get(&(id, message)), Some(None));
    assert_eq!(rows.users.get(&ann), Some(None));
    assert_eq!(rows.contacts.get(&(ann.clone(), ann.clone())), Some(None));
    assert_eq!(rows.person_heads.get(&ann), Some(None));
    let line = (ann.clone(), Subject::Read(id));
    assert_eq!(rows.person_log.get(&line), Some(None));
    assert_eq!(rows.answers.get(&(ann, "key".to_owned())), Some(None));
    assert!(matches!(&rows.lists[&keys[11]], List::Answers(list) if list.is_empty()));
    assert!(matches!(&rows.lists[&keys[12]], List::Chain(None)));
    assert!(matches!(&rows.lists[&keys[13]], List::People(list) if list.is_empty()));
}

pub(crate) async fn every_fact_comes_back(engine: impl Engine) {
    let (id, ann, bob) = (ThreadId(uuid(1)), user("ann"), user("bob"));
    let title = Some("A title".to_owned());
    let settings = ThreadSettings {
        naming: Allowed::Everyone,
        ..ThreadSettings::default()
    };
    let (text, system) = (Some(MessageKind::Text), Some(MessageKind::System));
    let facts = [
        (
            Fact::ThreadCreated(vec![ann.clone(), bob.clone()], title.clone()),
            None,
        ),
        (Fact::Message, text),
        (Fact::MessageEdited(1), None),
        (Fact::ReactionAdded(1, "🎉".to_owned()), None),
        (Fact::ReactionRemoved(1, "🎉".to_owned()), None),
        (Fact::ParticipantsAdded(vec![bob.clone()], None), system),
        (Fact::RoleChanged(bob.clone(), Role::Admin), None),
        (Fact::ParticipantRemoved(bob.clone(), title.clone()), system),
        (Fact::ParticipantLeft(bob, None), system),
        (Fact::Message, text),
        (
            Fact::TitleChanged {
                title: title.clone(),
                is_automatic: false,
            },
            system,
        ),
        (
            Fact::TitleChanged {
                title,
                is_automatic: true,
            },
            system,
        ),
        (
            Fact::SettingsChanged(settings, None, Some("picture".to_owned())),
            None,
        ),
        (
            Fact::SettingsChanged(settings, Some("about".to_owned()), None),
            None,
        ),
        (Fact::MessageDeleted(1), None),
    ];
    let changes = log_of(id, 100, &facts);
    engine.store(&changes);
    let key = Key::Entries(id, 0, 100);
    let rows = load(&*engine.ledger(), &[key.clone(), Key::Thread(id)]).await;
    let List::Entries(entries) = &rows.lists[&key] else {
        panic!("entries")
    };
    assert_eq!(*entries, changes.entries);
    for (place, message) in &changes.messages {
        assert_eq!(rows.messages.get(place), Some(message.as_ref()));
    }
    assert_eq!(rows.heads.get(&id), Some(changes.heads[0].1.as_ref()));
}

pub(crate) async fn a_changed_row_replaces_the_old_one(engine: impl Engine) {
    let (id, other, ann) = (ThreadId(uuid(1)), ThreadId(uuid(2)), user("ann"));
    let mut changes = messages_of(id, 20, 2);
    changes.threads.push((other, Some(thread_row(other))));
    let keys = [ParticipantsKey([3; 32]), ParticipantsKey([4; 32])];
    changes.participants_keys = vec![(keys[0], Some(id)), (keys[1], Some(other))];
    changes
        .participants
        .push(((id, ann.clone()), Some(participant_row(1))));
    engine.store(&changes);

    let mut later = Changes::default();
    let mut message = changes.messages[0].1.clone().expect("a message");
    message.content = "other words".to_owned();
    message.rev = 4;
    message.edited_at = Some(Timestamp(99));
    later.messages.push(((id, 1), Some(message)));
    let mut participant = participant_row(1);
    participant.periods[0].until_rev = Some(5);
    participant.periods[0].until_seq = Some(2);
    later
        .participants
        .push(((id, ann.clone()), Some(participant)));
    let thread = ThreadRow {
        title: None,
        participant_count: 0,
        ..thread_row(id)
    };
    later.threads.push((id, Some(thread)));
    // The two threads change keys: no moment in between may be refused.
    later.participants_keys = vec![(keys[0], Some(other)), (keys[1], Some(id))];
    engine.store(&later);

    let asked = [
        Key::Thread(id),
        Key::Message(id, 1),
        Key::Participant(id, ann.clone()),
        Key::ParticipantsKey(keys[0]),
        Key::ParticipantsKey(keys[1]),
        Key::Standing(id, None, 10),
    ];
    let rows = load(&*engine.ledger(), &asked).await;
    assert_eq!(rows.threads.get(&id), Some(later.threads[0].1.as_ref()));
    assert_eq!(
        rows.messages.get(&(id, 1)),
        Some(later.messages[0].1.as_ref())
    );
    assert_eq!(
        rows.participants.get(&(id, ann)),
        Some(later.participants[0].1.as_ref())
    );
    assert_eq!(rows.participants_keys.get(&keys[0]), Some(Some(&other)));
    assert_eq!(rows.participants_keys.get(&keys[1]), Some(Some(&id)));
    assert!(matches!(&rows.lists[&asked[5]], List::People(people) if people.is_empty()));
}

pub(crate) async fn a_row_that_breaks_a_rule_is_refused_whole(engine: impl Engine) {
    let (id, other) = (ThreadId(uuid(1)), ThreadId(uuid(2)));
    engine.store(&messages_of(id, 20, 1));
    let cases: [(&str, Changes); 3] = [
        ("a rev is taken", messages_of(id, 40, 1)),
        ("a message's id is taken", messages_of(other, 20, 1)),
        ("a head disagrees", {
            let mut changes = messages_of(other, 60, 1);
            changes.heads[0].1.as_mut().expect("a head").last_seq = 7;
            changes
        }),
    ];
    for (what, changes) in cases {
        let stored =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.store(&changes)));
        assert!(stored.is_err(), "{what}");
    }
    let rows = load(&*engine.ledger(), &[Key::Thread(id), Key::Thread(other)]).await;
    assert_eq!(
        rows.heads.get(&id).flatten().map(|head| head.last_rev),
        Some(2)
    );
    assert_eq!(rows.threads.get(&other), Some(None));
}
