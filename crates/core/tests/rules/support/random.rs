//! Random things that people do. They name threads and messages by number, so that a shrunk case still makes sense.

use proptest::{collection::vec, option, prelude::*};
use semel_core::{
    Command,
    actions::{
        Action, ChangeRole, ChangeThread, CreateOrGet, Draft, Expand, MarkPosition, NewSettings,
        PruneAnswers, React, RemoveParticipant, SendBatch, StartConversation,
    },
};
use semel_protocol::{
    ClientId, MessageId, ThreadId, Timestamp, UserId,
    requests::OnConflict,
    thread::{Allowed, History, Role, ThreadType},
};
use uuid::Uuid;

use super::{
    memory::Memory,
    words::{check, client_id, delete, edit, leave, person, send},
    world::{DAY_MS, command},
};

/// The last one is unknown to the server.
pub(crate) const NAMES: [&str; 6] = ["ann", "bob", "cem", "dan", "eve", "zed"];
const CONTENTS: [&str; 5] = ["hello", "ok", "", "ok ok", "bye"];

/// One step: who does what, and what the world does meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) who: usize,
    pub(crate) act: Act,
    pub(crate) key: Option<u8>,
    /// Milliseconds that the clock moves before; it may go back.
    pub(crate) clock: i64,
    pub(crate) ends_batch: bool,
    pub(crate) forgets: bool,
}

/// What people name in a call.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    people: u8,
    kind: Option<ThreadType>,
    distinct: bool,
    title: Option<u8>,
    id: Option<u8>,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Create(Named),
    Start(Named, u8),
    Check(u8),
    Send(u8, u8, u8, Option<u8>),
    Batch(u8, Vec<(u8, u8)>),
    Edit(u8, u8, u8),
    Delete(u8, u8),
    React(u8, u8, bool, bool),
    Expand(u8, u8, Option<(u8, u8)>, bool),
    Remove(u8, u8, bool),
    Leave(u8),
    Role(u8, u8, bool),
    /// Title; history, posting, adding, naming, description; picture.
    Change(u8, Option<u8>, [Option<bool>; 5], Option<bool>),
    Mark(u8, Option<u8>, Option<u8>),
    Prune,
    /// An earlier command once more, word for word.
    Repeat(u8),
}

fn named() -> impl Strategy<Value = Named> {
    let kind = prop_oneof![
        6 => Just(None),
        1 => Just(Some(ThreadType::Direct)),
        4 => Just(Some(ThreadType::Group)),
        1 => Just(Some(ThreadType::SelfNote)),
    ];
    let people = prop_oneof![12 => 0..32u8, 1 => 32..64u8];
    let distinct = prop::bool::weighted(0.85);
    (
        people,
        kind,
        distinct,
        option::of(0..3u8),
        option::of(0..8u8),
    )
        .prop_map(|(people, kind, distinct, title, id)| Named {
            people,
            kind,
            distinct,
            title,
            id,
        })
}

fn act() -> impl Strategy<Value = Act> {
    let t = || 0..6u8;
    let m = || 0..12u8;
    let text = || 0..CONTENTS.len() as u8;
    let id = || 0..12u8;
    let some_people = prop_oneof![12 => 0..32u8, 1 => 32..64u8];
    let flag = || option::weighted(0.3, any::<bool>());
    prop_oneof![
        4 => named().prop_map(Act::Create),
        3 => (named(), text()).prop_map(|(named, text)| Act::Start(named, text)),
        1 => (0..32u8).prop_map(Act::Check),
        10 => (t(), text(), id(), option::weighted(0.3, m()))
            .prop_map(|(t, text, id, to)| Act::Send(t, text, id, to)),
        3 => (t(), vec((text(), id()), 0..6)).prop_map(|(t, items)| Act::Batch(t, items)),
        3 => (t(), m(), text()).prop_map(|(t, m, text)| Act::Edit(t, m, text)),
        3 => (t(), m()).prop_map(|(t, m)| Act::Delete(t, m)),
        4 => (t(), m(), any::<bool>(), any::<bool>())
            .prop_map(|(t, m, heart, add)| Act::React(t, m, heart, add)),
        5 => (t(), some_people, option::of((text(), id())), any::<bool>())
            .prop_map(|(t, people, welcome, keep)| Act::Expand(t, people, welcome, keep)),
        3 => (t(), 0..6u8, any::<bool>()).prop_map(|(t, who, keep)| Act::Remove(t, who, keep)),
        3 => t().prop_map(Act::Leave),
        3 => (t(), 0..5u8, any::<bool>()).prop_map(|(t, who, up)| Act::Role(t, who, up)),
        4 => (t(), option::of(0..4u8), [flag(), flag(), flag(), flag(), flag()], flag())
            .prop_map(|(t, title, flags, picture)| Act::Change(t, title, flags, picture)),
        4 => (t(), option::of(m()), option::of(m()))
            .prop_map(|(t, read, delivered)| Act::Mark(t, read, delivered)),
        1 => Just(Act::Prune),
        6 => any::<u8>().prop_map(Act::Repeat),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let clock = prop_oneof![
        10 => 0..2_000i64,
        3 => -5_000..0i64,
        1 => Just(DAY_MS),
        1 => Just(-DAY_MS),
    ];
    let who = 0..5usize;
    let key = option::weighted(0.4, 0..6u8);
    let ends = prop::bool::weighted(0.25);
    let forgets = prop::bool::weighted(0.1);
    (who, act(), key, clock, ends, forgets).prop_map(
        |(who, act, key, clock, ends_batch, forgets)| Step {
            who,
            act,
            key,
            clock,
            ends_batch,
            forgets,
        },
    )
}

fn group(mask: u8) -> Vec<UserId> {
    let named = NAMES
        .iter()
        .enumerate()
        .filter(|(n, _)| mask & (1 << n) != 0);
    named.map(|(_, name)| person(name)).collect()
}

fn content(n: u8) -> String {
    CONTENTS[n as usize].to_owned()
}

fn title(n: u8) -> String {
    ["", "Lunch", "Work", "ann and bob"][n as usize].to_owned()
}

fn nowhere() -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_dead_beef_0000)
}

fn on_conflict(keep: bool) -> OnConflict {
    if keep {
        OnConflict::KeepSeparate
    } else {
        OnConflict::Refuse
    }
}

impl Step {
    /// The command, given what there is.
    pub(crate) fn command(&self, store: &Memory, now: i64, before: &[Command]) -> Command {
        if let Act::Repeat(n) = self.act
            && !before.is_empty()
        {
            return before[n as usize % before.len()].clone();
        }
        let key = self.key.map(|n| format!("key {n}"));
        command(NAMES[self.who], self.act.action(store, now), key.as_deref())
    }
}

impl Act {
    fn action(&self, store: &Memory, now: i64) -> Action {
        let thread = |n: &u8| {
            let at = *n as usize % (store.threads.len() + 1);
            store
                .threads
                .keys()
                .nth(at)
                .copied()
                .unwrap_or(ThreadId(nowhere()))
        };
        let message = |t: &u8, n: &u8| {
            let row = store.messages.get(&(thread(t), u64::from(*n) + 1));
            row.map_or(MessageId(nowhere()), |row| row.id)
        };
        match self {
            Self::Create(_) | Self::Start(..) => self.conversation(),
            Self::Check(mask) => {
                let mut action = check(&[]);
                action.participants = group(*mask);
                action.into()
            }
            Self::Send(t, text, id, to) => {
                let mut action = send(thread(t), &content(*text), u64::from(*id));
                action.draft.reply_to = to.as_ref().map(|to| message(t, to));
                action.into()
            }
            Self::Batch(t, items) => {
                let ok = Draft {
                    client_id: None,
                    content: "ok".to_owned(),
                    kind: None,
                    reply_to: None,
                    attachment_count: 0,
                };
                let draft = |(text, id): &(u8, u8)| Draft {
                    client_id: Some(client_id(u64::from(*id))),
                    content: content(*text),
                    ..ok.clone()
                };
                let drafts = items.iter().map(draft).chain([ok.clone()]).collect();
                SendBatch {
                    thread_id: thread(t),
                    drafts,
                }
                .into()
            }
            Self::Edit(t, m, text) => edit(thread(t), message(t, m), &content(*text)).into(),
            Self::Delete(t, m) => delete(thread(t), message(t, m)).into(),
            Self::React(t, m, heart, is_added) => React {
                thread_id: thread(t),
                message_id: message(t, m),
                emoji: if *heart { "❤️" } else { "👍" }.to_owned(),
                is_added: *is_added,
            }
            .into(),
            Self::Leave(t) => leave(thread(t)).into(),
            Self::Mark(t, read, delivered) => MarkPosition {
                thread_id: thread(t),
                read_seq: read.map(u64::from),
                delivered_seq: delivered.map(u64::from),
            }
            .into(),
            Self::Prune | Self::Repeat(_) => {
                let before = Timestamp(now - DAY_MS + 1);
                PruneAnswers { before, limit: 100 }.into()
            }
            Self::Expand(t, ..) | Self::Remove(t, ..) | Self::Role(t, ..) | Self::Change(t, ..) => {
                self.administration(thread(t))
            }
        }
    }

    fn conversation(&self) -> Action {
        let id = |named: &Named, from: u8| -> Option<ClientId> {
            named.id.map(|id| client_id(u64::from(id + from)))
        };
        match self {
            Self::Start(named, text) => StartConversation {
                participants: group(named.people),
                thread_type: named.kind,
                title: named.title.map(title),
                distinct: named.distinct,
                content: content(*text),
                client_id: id(named, 0),
            }
            .into(),
            Self::Create(named) => CreateOrGet {
                participants: group(named.people),
                thread_type: named.kind,
                title: named.title.map(title),
                distinct: named.distinct,
                client_id: id(named, 6),
            }
            .into(),
            other => unreachable!("{other:?}"),
        }
    }

    fn administration(&self, thread_id: ThreadId) -> Action {
        match self {
            Self::Expand(_, mask, welcome, keep) => Expand {
                thread_id,
                new_participants: group(*mask),
                message_content: welcome.map(|(text, _)| content(text)),
                client_id: welcome.map(|(_, id)| client_id(u64::from(id))),
                on_conflict: on_conflict(*keep),
            }
            .into(),
            Self::Remove(_, who, keep) => RemoveParticipant {
                thread_id,
                user_id: person(NAMES[*who as usize]),
                on_conflict: on_conflict(*keep),
            }
            .into(),
            Self::Role(_, who, up) => ChangeRole {
                thread_id,
                user_id: person(NAMES[*who as usize]),
                role: if *up { Role::Admin } else { Role::Participant },
            }
            .into(),
            Self::Change(_, new_title, [all, posting, adding, naming, about], picture) => {
                let allowed = |is: bool| {
                    if is {
                        Allowed::Everyone
                    } else {
                        Allowed::Admins
                    }
                };
                ChangeThread {
                    thread_id,
                    title: new_title.map(title),
                    description: about.map(|is| if is { "about\nit" } else { "" }.to_owned()),
                    // Nobody has uploaded one.
                    picture: picture.map(|_| String::new()),
                    settings: NewSettings {
                        history: all.map(|all| if all { History::All } else { History::Joined }),
                        posting: posting.map(allowed),
                        adding: adding.map(allowed),
                        naming: naming.map(allowed),
                    },
                }
                .into()
            }
            other => unreachable!("{other:?}"),
        }
    }
}
