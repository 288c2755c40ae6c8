//! What every engine has to know of keys.

use semel_core::{Key, Rows};

use crate::plain;

/// Whether everything that a key names is known.
pub(crate) fn is_known(key: &Key, rows: &Rows) -> bool {
    match key {
        Key::Many(keys) => keys.iter().all(|key| is_known(key, rows)),
        Key::Thread(id) => rows.threads.knows(id) && rows.heads.knows(id),
        Key::Participant(id, who) => {
            let seat = (*id, who.clone());
            rows.participants.knows(&seat) && rows.positions.knows(&seat)
        }
        Key::ParticipantsKey(key) => rows.participants_keys.knows(key),
        Key::ClientId(id, who) => rows.client_ids.knows(&(*id, who.clone())),
        Key::Message(id, seq) => rows.messages.knows(&(*id, *seq)),
        Key::MessageId(id, message) => rows.message_seqs.knows(&(*id, *message)),
        Key::User(who) | Key::Actor(who) | Key::Alone(who) => rows.users.knows(who),
        Key::Contact(of, who) => rows.contacts.knows(&(of.clone(), who.clone())),
        Key::PersonHead(who) => rows.person_heads.knows(who),
        Key::PersonLine(who, subject) => rows.person_log.knows(&(who.clone(), subject.clone())),
        Key::Answer(who, key) => rows.answers.knows(&(who.clone(), key.clone())),
        Key::Plain(key) => plain::is_known(key, rows),
        list => rows.lists.contains_key(list),
    }
}

/// Whether a key asks for a list: its answer may depend on any row of a table, stored or not.
pub(crate) fn is_list(key: &Key) -> bool {
    match key {
        Key::Many(keys) => keys.iter().any(is_list),
        Key::Thread(_)
        | Key::Participant(..)
        | Key::ParticipantsKey(_)
        | Key::ClientId(..)
        | Key::Message(..)
        | Key::MessageId(..)
        | Key::User(_)
        | Key::Actor(_)
        | Key::Alone(_)
        | Key::Contact(..)
        | Key::PersonHead(_)
        | Key::PersonLine(..)
        | Key::Answer(..) => false,
        Key::Roster(_)
        | Key::Standing(..)
        | Key::AnswersNaming(_)
        | Key::AnswersBefore(..)
        | Key::AnswersOf(..)
        | Key::Messages(..)
        | Key::Entries(..)
        | Key::ChainAt(..)
        | Key::ThreadsOf(..)
        | Key::SeatsOf(..)
        | Key::Together(..)
        | Key::ContactsOf(..)
        | Key::PersonLog(..) => true,
        Key::Plain(key) => key.is_list(),
    }
}

/// The keys that a key is made of.
pub(crate) fn single_keys(key: Key) -> Vec<Key> {
    match key {
        Key::Many(keys) => keys.into_iter().flat_map(single_keys).collect(),
        key => vec![key],
    }
}
