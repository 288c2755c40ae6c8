//! A device: it knows a thread only from entries, and must end with what the server has.

use std::collections::BTreeMap;

use semel_core::{
    queries::{self, Around, SeenEntry},
    row::{EntryRow, Fact, MessageRow},
};
use semel_protocol::{
    Rev, Seq, ThreadId, UserId,
    thread::{Role, ThreadSettings, ThreadType},
};

use super::world::World;

/// A thread as rebuilt from its log.
#[derive(Default)]
pub(crate) struct Device {
    rev: Rev,
    is_group: bool,
    title: Option<String>,
    settings: Option<(ThreadSettings, Option<String>, Option<String>)>,
    people: BTreeMap<UserId, (Rev, Role)>,
    messages: BTreeMap<Seq, MessageRow>,
}

impl Device {
    fn apply(&mut self, entry: &EntryRow, message: Option<&MessageRow>) {
        if let Some(message) = message {
            let newer = self.messages.get(&message.seq);
            if newer.is_none_or(|ours| ours.rev <= message.rev) {
                self.messages.insert(message.seq, message.clone());
            }
        }
        match &entry.fact {
            Fact::ThreadCreated(people, title) => {
                self.come(people, entry.rev);
                self.title.clone_from(title);
                if self.is_group {
                    self.people
                        .insert(entry.actor_id.clone(), (entry.rev, Role::Admin));
                }
            }
            Fact::ParticipantsAdded(people, title) => {
                self.come(people, entry.rev);
                self.title.clone_from(title);
            }
            Fact::ParticipantRemoved(who, title) | Fact::ParticipantLeft(who, title) => {
                self.people.remove(who);
                self.title.clone_from(title);
            }
            Fact::RoleChanged(who, role) => {
                if let Some(person) = self.people.get_mut(who) {
                    person.1 = *role;
                }
            }
            Fact::TitleChanged { title, .. } => self.title.clone_from(title),
            Fact::SettingsChanged(settings, description, picture) => {
                self.settings = Some((*settings, description.clone(), picture.clone()));
            }
            Fact::Message
            | Fact::MessageEdited(_)
            | Fact::MessageDeleted(_)
            | Fact::ReactionAdded(..)
            | Fact::ReactionRemoved(..) => {}
        }
    }

    fn come(&mut self, people: &[UserId], rev: Rev) {
        for who in people {
            self.people.insert(who.clone(), (rev, Role::Participant));
        }
    }

    /// Catches up page by page, from where it is or from what is theirs. Returns whether it saw every entry.
    fn catch_up(&mut self, world: &World, who: &UserId, id: ThreadId, first: Rev) -> bool {
        self.rev = self.rev.max(first - 1);
        let mut saw_all = first == 1;
        loop {
            let page = world.ask(|rows| queries::entries(rows, who, id, self.rev, 4));
            let page = page.expect("theirs to see");
            for entry in &page.entries {
                match entry {
                    SeenEntry::Hidden(..) => saw_all = false,
                    SeenEntry::Seen(entry, message) => {
                        assert_eq!(entry.rev, self.rev + 1);
                        self.apply(entry, message.as_ref());
                    }
                }
                self.rev += 1;
            }
            if !page.more {
                assert_eq!(self.rev, page.head_rev);
                return saw_all;
            }
        }
    }
}

/// A device that was there before catches up, and must have the messages that the server shows.
pub(crate) fn returns(device: &mut Device, world: &World, who: &UserId, id: ThreadId) {
    let view = world.ask(|rows| queries::thread(rows, who, id));
    device.catch_up(world, who, id, view.expect("theirs").first_rev);
    let page = world.ask(|rows| queries::messages(rows, who, id, Around::After(0), 10_000));
    let page = page.expect("theirs").messages;
    assert!(
        device.messages.values().eq(&page),
        "messages of {who} in {id}"
    );
}

/// A device of every participant of every thread ends with what the server has.
pub(crate) fn agrees(world: &World) {
    let active = world
        .store
        .participants
        .iter()
        .filter(|(_, row)| row.is_active());
    for ((id, who), _) in active {
        let view = world
            .ask(|rows| queries::thread(rows, who, *id))
            .expect("theirs");
        let mut device = Device {
            is_group: view.thread.thread_type == ThreadType::Group,
            ..Device::default()
        };
        let saw_all = device.catch_up(world, who, *id, view.first_rev);
        let page = world.ask(|rows| queries::messages(rows, who, *id, Around::After(0), 10_000));
        let page = page.expect("theirs").messages;
        assert!(
            device.messages.values().eq(&page),
            "messages of {who} in {id}"
        );
        if let Some(settings) = &device.settings {
            let thread = &view.thread;
            let now = (thread.settings, &thread.description, &thread.picture);
            assert_eq!((settings.0, &settings.1, &settings.2), now);
        }
        if !saw_all {
            continue;
        }
        assert_eq!(device.title, view.thread.title, "title of {id}");
        let mut people: Vec<_> = device.people.into_iter().collect();
        people.sort_by_key(|(who, (joined, _))| (*joined, who.clone()));
        let people = people.into_iter().map(|(who, (_, role))| (who, role));
        let shown = view
            .participants
            .into_iter()
            .map(|person| (person.user_id, person.role));
        assert!(people.eq(shown), "people of {id}");
    }
}
