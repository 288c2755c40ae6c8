//! Does everything that can be done with messages over HTTP, with idempotency keys, until the outcome is known; repeats
//! it, also at the same time and with other contents.

use std::{collections::VecDeque, sync::Arc};

use super::{
    super::{
        rooms::Room,
        world::{Caller, Ids, World, surely},
    },
    message, words,
};
use crate::{dice::Dice, record::Target};

/// Own messages that may still be changed.
const OWN_MAX: usize = 32;
/// Reactions that may be taken back.
const REACTIONS_MAX: usize = 16;
/// Requests that are repeated after their answer, or while it is awaited, in percent each.
const REPEATED_PERCENT: usize = 25;
/// Keys that are used again for something else, in percent.
const REUSED_PERCENT: usize = 5;
/// Sends after which the reader looks whether they are there, in percent.
const READ_BACK_PERCENT: usize = 20;

struct Hand {
    world: Arc<World>,
    person: usize,
    /// Two connections of one person, to two servers if there are several.
    first: Caller,
    second: Caller,
    ids: Ids,
    dice: Dice,
    own: VecDeque<Target>,
    reactions: VecDeque<(Target, String)>,
}

pub(in crate::workload) async fn keyed(world: Arc<World>, person: usize, dice: Dice) {
    let mut hand = Hand {
        person,
        first: world.caller(person),
        second: world.caller_elsewhere(person),
        ids: world.ids(),
        dice,
        own: VecDeque::new(),
        reactions: VecDeque::new(),
        world,
    };
    while hand.world.goes_on() {
        let room = hand.world.room(person, &mut hand.dice);
        if let Some(room) = room {
            hand.take_turn(&room).await;
        }
        let Hand { world, dice, .. } = &mut hand;
        world.think(dice).await;
    }
}

impl Hand {
    async fn take_turn(&mut self, room: &Room) {
        match self.dice.below(100) {
            0..45 => self.send(room).await,
            45..58 => self.edit().await,
            58..64 => self.delete().await,
            64..80 => self.react(room).await,
            80..88 => self.unreact().await,
            _ => self.mark(room).await,
        }
    }

    async fn send(&mut self, room: &Room) {
        let (client_id, key) = (self.ids.next(), self.ids.key());
        let content = words(client_id, &mut self.dice);
        let body = message(client_id, &content);
        let answer = if self.dice.chance(REPEATED_PERCENT) {
            let (first, second) = (&mut self.first, &mut self.second);
            let (one, _) = tokio::join!(
                async { surely!(first, api => api.send(room.id, &body, Some(&key))) },
                async { surely!(second, api => api.send(room.id, &body, Some(&key))) },
            );
            one
        } else {
            let first = &mut self.first;
            surely!(first, api => api.send(room.id, &body, Some(&key)))
        };
        let Ok(reply) = answer else { return };
        let sent = reply.data.message;
        self.world.count_acknowledged();
        room.saw(&sent);
        if self.dice.chance(READ_BACK_PERCENT) && room.members.contains(&self.person) {
            // Recorded: the checker looks whether the message is there.
            let _ = self.second.api().newest_messages(room.id).await;
        }
        if self.dice.chance(REPEATED_PERCENT) {
            let _ = self.second.api().send(room.id, &body, Some(&key)).await;
        }
        if self.dice.chance(REUSED_PERCENT) {
            let other = self.ids.next();
            let body = message(other, &words(other, &mut self.dice));
            let _ = self.first.api().send(room.id, &body, Some(&key)).await;
        }
        self.own.push_back(Target::of(&sent));
        if self.own.len() > OWN_MAX {
            self.own.pop_front();
        }
    }

    async fn edit(&mut self) {
        let Some(target) = self.own.get(self.dice.below(self.own.len())).copied() else {
            return;
        };
        let key = self.ids.key();
        let content = format!("{key} edited");
        let first = &mut self.first;
        // A message may have been deleted, a thread left: that is recorded.
        let answer = surely!(first, api => api.edit(&target, &content, Some(&key)));
        if answer.is_ok() && self.dice.chance(REPEATED_PERCENT) {
            let _ = self.second.api().edit(&target, &content, Some(&key)).await;
        }
        if answer.is_ok() && self.dice.chance(REUSED_PERCENT) {
            let content = format!("{content} otherwise");
            let _ = self.second.api().edit(&target, &content, Some(&key)).await;
        }
    }

    async fn delete(&mut self) {
        let index = self.dice.below(self.own.len());
        let Some(target) = self.own.remove(index) else {
            return;
        };
        let key = self.ids.key();
        let first = &mut self.first;
        let answer = surely!(first, api => api.delete(&target, Some(&key)));
        if answer.is_ok() && self.dice.chance(REPEATED_PERCENT) {
            let _ = self.second.api().delete(&target, Some(&key)).await;
        }
    }

    async fn react(&mut self, room: &Room) {
        let Some(target) = room.some_message(&mut self.dice) else {
            return;
        };
        // An emoji of one's own each time: what is there already would be no change.
        let key = self.ids.key();
        let emoji = format!("+{}", &key[key.len() - 12..]);
        let first = &mut self.first;
        let answer = surely!(first, api => api.react(&target, &emoji, Some(&key)));
        if answer.is_err() {
            return;
        }
        if self.dice.chance(REPEATED_PERCENT) {
            let _ = self.second.api().react(&target, &emoji, Some(&key)).await;
        }
        self.reactions.push_back((target, emoji));
        if self.reactions.len() > REACTIONS_MAX {
            self.reactions.pop_front();
        }
    }

    async fn unreact(&mut self) {
        let Some((target, emoji)) = self.reactions.pop_front() else {
            return;
        };
        let key = self.ids.key();
        let first = &mut self.first;
        let answer = surely!(first, api => api.unreact(&target, &emoji, Some(&key)));
        if answer.is_ok() && self.dice.chance(REPEATED_PERCENT) {
            let _ = self.second.api().unreact(&target, &emoji, Some(&key)).await;
        }
    }

    async fn mark(&mut self, room: &Room) {
        let Some(target) = room.some_message(&mut self.dice) else {
            return;
        };
        let key = self.ids.key();
        let first = &mut self.first;
        // Guests may be out: that is recorded.
        let _ = surely!(first, api => api.mark_read(room.id, target.seq, Some(&key)));
    }
}
