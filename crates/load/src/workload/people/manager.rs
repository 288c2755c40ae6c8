//! Makes groups, and changes who is in them, their titles and roles, one change of a group at a time.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use semel_protocol::{
    UserId,
    requests::{CreateOrGet, Expand, OnConflict},
    thread::{History, Role, ThreadType},
};

use super::super::{
    rooms::Room,
    world::{Caller, Ids, World, surely},
};
use crate::dice::Dice;

/// Pauses between two changes are this many times the usual: there are many messages to one change of people.
const PAUSES: usize = 10;

struct Office {
    world: Arc<World>,
    callers: HashMap<usize, Caller>,
    ids: Ids,
    dice: Dice,
}

/// Looks after each `count`-th room, from the `index`-th on.
pub(in crate::workload) async fn manager(
    world: Arc<World>,
    index: usize,
    count: usize,
    dice: Dice,
) {
    let mut office = Office {
        ids: world.ids(),
        callers: HashMap::new(),
        dice,
        world,
    };
    while office.world.goes_on() {
        let open = office.world.board.open();
        let mine: Vec<_> = open
            .iter()
            .filter(|room| room.id.0.as_u128() % count as u128 == index as u128)
            .collect();
        for room in &mine {
            if room.head() >= office.world.plan.entries_per_thread_max {
                office.replace(room).await;
            }
        }
        let groups: Vec<_> = mine.into_iter().filter(|room| !room.is_fixed).collect();
        if let Some(room) = office.dice.pick(&groups).copied() {
            office.change(&Arc::clone(room)).await;
        }
        for _ in 0..PAUSES {
            let Office { world, dice, .. } = &mut office;
            world.think(dice).await;
        }
    }
}

/// Makes a group that no other group is taken for. In every second one, newcomers see what comes from then on.
pub(in crate::workload) async fn open_room(
    world: &Arc<World>,
    members: Vec<usize>,
    guests: Vec<usize>,
) -> Result<(), String> {
    let mut caller = world.caller(members[0]);
    let mut ids = world.ids();
    let person = |number: &usize| world.people[*number].clone();
    let body = CreateOrGet {
        participants: members.iter().map(person).collect(),
        thread_type: Some(ThreadType::Group),
        title: None,
        distinct: Some(false),
        client_id: Some(ids.next()),
    };
    let key = ids.key();
    let answer = surely!(caller, api => api.create_or_get(&body, Some(&key)));
    let thread = answer.map_err(|error| error.to_string())?.data.thread;
    if thread.id.0.as_u128() % 2 == 0 {
        let key = ids.key();
        let answer = surely!(caller, api => api.history(thread.id, History::Joined, Some(&key)));
        answer.map_err(|error| error.to_string())?;
    }
    let room = Room::new(thread.id, members, guests, false);
    world.board.add(Arc::new(room));
    Ok(())
}

impl Office {
    /// The room is full: the same people get another one. Threads of people who stay the same have no other.
    async fn replace(&mut self, room: &Room) {
        self.world.board.close(room);
        if !room.is_fixed {
            let (members, guests) = (room.members.clone(), room.guests.clone());
            if let Err(text) = open_room(&self.world, members, guests).await {
                self.world.complain(format!("no room is opened: {text}"));
            }
        }
    }

    async fn change(&mut self, room: &Room) {
        let keeper = room.members[0];
        let Some(guest) = self.dice.pick(&room.guests).copied() else {
            return self.title(room, keeper).await;
        };
        let is_in = room
            .present
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&guest);
        match (is_in, self.dice.below(100)) {
            (_, 0..15) => self.title(room, keeper).await,
            (false, _) => self.add(room, keeper, guest).await,
            (true, 15..30) => self.role(room, keeper, guest).await,
            (true, 30..60) => self.leave(room, guest).await,
            (true, _) => self.remove(room, keeper, guest).await,
        }
    }

    async fn title(&mut self, room: &Room, keeper: usize) {
        let key = self.ids.key();
        let title = format!("title {key}");
        let caller = self.caller(keeper);
        let answer = surely!(caller, api => api.title(room.id, &title, Some(&key)));
        self.saw(room, answer.map(|reply| reply.data.thread.last_rev));
    }

    async fn add(&mut self, room: &Room, keeper: usize, guest: usize) {
        let key = self.ids.key();
        let body = Expand {
            new_participants: vec![self.person(guest)],
            message_content: None,
            client_id: None,
            on_conflict: OnConflict::KeepSeparate,
        };
        let caller = self.caller(keeper);
        let answer = surely!(caller, api => api.expand(room.id, &body, Some(&key)));
        present(room, guest, true);
        self.saw(room, answer.map(|reply| reply.data.thread.last_rev));
    }

    async fn remove(&mut self, room: &Room, keeper: usize, guest: usize) {
        let (key, person) = (self.ids.key(), self.person(guest));
        let caller = self.caller(keeper);
        let answer = surely!(caller, api => api.remove(room.id, &person, Some(&key)));
        present(room, guest, false);
        self.saw(room, answer.map(|reply| reply.data.thread.last_rev));
    }

    async fn leave(&mut self, room: &Room, guest: usize) {
        let key = self.ids.key();
        let caller = self.caller(guest);
        let answer = surely!(caller, api => api.leave(room.id, Some(&key)));
        present(room, guest, false);
        self.saw(room, answer.map(|_| 0));
    }

    /// Makes a guest an admin, and a participant again.
    async fn role(&mut self, room: &Room, keeper: usize, guest: usize) {
        let person = self.person(guest);
        for role in [Role::Admin, Role::Participant] {
            let key = self.ids.key();
            let caller = self.caller(keeper);
            let answer = surely!(caller, api => api.role(room.id, &person, role, Some(&key)));
            self.saw(room, answer.map(|reply| reply.data.thread.last_rev));
        }
    }

    /// Nobody else changes this group: nothing of this may be refused.
    fn saw(&self, room: &Room, rev: Result<u64, crate::record::CallError>) {
        match rev {
            Ok(rev) => room.saw_rev(rev),
            Err(error) => self
                .world
                .complain(format!("a change of thread {} failed: {error}", room.id)),
        }
    }

    fn person(&self, number: usize) -> UserId {
        self.world.people[number].clone()
    }

    fn caller(&mut self, person: usize) -> &mut Caller {
        let world = &self.world;
        self.callers
            .entry(person)
            .or_insert_with(|| world.caller(person))
    }
}

fn present(room: &Room, guest: usize, is_in: bool) {
    let mut present = room.present.lock().unwrap_or_else(PoisonError::into_inner);
    if is_in {
        present.insert(guest);
    } else {
        present.remove(&guest);
    }
}
