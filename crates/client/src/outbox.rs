//! What waits to be acknowledged. Pure: time is an argument, and the session does the sending.
//!
//! Invariant: of each destination one message or one batch is on its way at a time, and it is the first that waits: so the
//! order in which messages were written is the order in which they are stored.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    time::Duration,
};

use semel_protocol::{ClientId, ThreadId, UserId, limits, thread::ThreadType};
use semel_sabotage::{Defect, is_on};
use tokio::time::Instant;

use crate::Outgoing;

/// Bytes of JSON in one batch, unless one message alone has more. Well below [`limits::SOCKET_PACKET_BYTES_MAX`]: a batch
/// is one action, and the ones of others wait meanwhile.
const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a batch's item besides its words: names, client id, punctuation.
const ITEM_BYTES: usize = 96;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// To a thread.
    Thread(ThreadId),
    /// To the one thread of these people, which the first message makes.
    People {
        /// The people; the sender may be left out.
        participants: Vec<UserId>,
        /// Kind of the thread.
        thread_type: ThreadType,
    },
}

/// A message that is kept until it is acknowledged. `W` is who waits for it.
#[derive(Debug)]
pub(crate) struct Item<W> {
    pub(crate) message: Outgoing,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// The witness's number of the attempt that has no outcome yet.
    pub(crate) attempt: Option<u64>,
    /// None when it was there before this session.
    pub(crate) waiter: Option<W>,
}

/// What is to be done with messages of which one answer left some unsettled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Send them again.
    Now,
    /// Send them again after this time.
    After(Duration),
    /// Send them one by one, because together they were refused.
    Apart,
}

/// One queue for each destination.
#[derive(Debug)]
pub(crate) struct Outbox<W> {
    /// In the order in which they came to be, so that a run can be repeated.
    queues: BTreeMap<u64, Queue<W>>,
    /// Queue of each destination. For looking up only.
    numbers: HashMap<Destination, u64>,
    next_number: u64,
    /// Queue of what is on its way. For looking up only.
    in_flight: HashMap<u64, u64>,
    /// Queues that can send now.
    ready: VecDeque<u64>,
    /// Queues that were refused for now.
    paused: BTreeSet<(Instant, u64)>,
    /// Messages that nobody waits for. For looking up only.
    unclaimed: HashSet<ClientId>,
}

#[derive(Debug)]
struct Queue<W> {
    destination: Destination,
    items: VecDeque<Item<W>>,
    /// How many of them are on their way.
    sent: usize,
    /// How many of them have to go one by one.
    apart: usize,
}

impl<W> Default for Outbox<W> {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            in_flight: HashMap::new(),
            ready: VecDeque::new(),
            paused: BTreeSet::new(),
            unclaimed: HashSet::new(),
        }
    }
}

impl<W> Outbox<W> {
    /// Takes up a message, behind the others of its destination.
    pub(crate) fn push(&mut self, message: Outgoing, waiter: Option<W>) {
        if waiter.is_none() {
            self.unclaimed.insert(message.client_id);
        }
        let queue = self.queue_of(&message.destination);
        queue.items.push_back(Item::new(message, waiter));
    }

    /// Takes up messages before all others of their destinations, in their order. Nothing is on its way.
    pub(crate) fn push_first(&mut self, messages: Vec<Outgoing>) {
        for message in messages.into_iter().rev() {
            self.unclaimed.insert(message.client_id);
            let queue = self.queue_of(&message.destination);
            debug_assert_eq!(queue.sent, 0, "nothing may come before what is on its way");
            queue.items.push_front(Item::new(message, None));
        }
    }

    /// Lets somebody wait for a message that was there before this session. Gives the waiter back if there is none.
    pub(crate) fn claim(&mut self, message: &Outgoing, waiter: W) -> Option<W> {
        if !self.unclaimed.contains(&message.client_id) {
            return Some(waiter);
        }
        let number = self.numbers.get(&message.destination);
        let queue = number.and_then(|number| self.queues.get_mut(number));
        let mut items = queue.into_iter().flat_map(|queue| &mut queue.items);
        match items.find(|item| item.waiter.is_none() && item.message == *message) {
            Some(item) => {
                item.waiter = Some(waiter);
                self.unclaimed.remove(&message.client_id);
                None
            }
            None => Some(waiter),
        }
    }

    /// What can be sent next, one message or a batch, until [`Outbox::sent`] says that it is on its way.
    pub(crate) fn next(&mut self) -> Option<(&Destination, &mut [Item<W>])> {
        if self.in_flight.len() >= limits::DEVICE_ACTIONS_IN_FLIGHT_MAX {
            return None;
        }
        let queue = self.queues.get_mut(self.ready.front()?)?;
        let count = queue.load();
        let items = &mut queue.items.make_contiguous()[..count];
        Some((&queue.destination, items))
    }

    /// So many messages that [`Outbox::next`] named are on their way under this number.
    pub(crate) fn sent(&mut self, id: u64, count: usize) {
        let Some(number) = self.ready.pop_front() else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.sent = count;
        }
        self.in_flight.insert(id, number);
    }

    /// What was sent under a number.
    pub(crate) fn on_its_way(&mut self, id: u64) -> Option<(&Destination, &mut [Item<W>])> {
        let queue = self.queues.get_mut(self.in_flight.get(&id)?)?;
        let items = &mut queue.items.make_contiguous()[..queue.sent];
        Some((&queue.destination, items))
    }

    /// What was sent under a number has its answer: takes the first `count` of it out. If others of it are left, `rest`
    /// says what becomes of them.
    pub(crate) fn settle(
        &mut self,
        id: u64,
        count: usize,
        rest: Rest,
        now: Instant,
    ) -> Vec<Item<W>> {
        let Some(number) = self.in_flight.remove(&id) else {
            return Vec::new();
        };
        let Some(queue) = self.queues.get_mut(&number) else {
            return Vec::new();
        };
        let left = queue.sent - count;
        queue.sent = 0;
        queue.apart = queue.apart.saturating_sub(count);
        let settled: Vec<_> = queue.items.drain(..count).collect();
        for item in settled.iter().filter(|item| item.waiter.is_none()) {
            self.unclaimed.remove(&item.message.client_id);
        }
        if queue.items.is_empty() {
            self.numbers.remove(&queue.destination);
            self.queues.remove(&number);
            return settled;
        }
        match rest {
            Rest::After(wait) if left > 0 => drop(self.paused.insert((now + wait, number))),
            Rest::Apart if left > 0 => {
                queue.apart = left;
                self.ready.push_back(number);
            }
            Rest::Now | Rest::After(_) | Rest::Apart => self.ready.push_back(number),
        }
        settled
    }

    /// When the next paused destination may send again.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.paused.first().map(|(at, _)| *at)
    }

    /// Destinations whose pause is over may send again.
    pub(crate) fn retry(&mut self, now: Instant) {
        while let Some((at, number)) = self.paused.first().copied()
            && at <= now
        {
            self.paused.pop_first();
            self.ready.push_back(number);
        }
    }

    /// The connection is gone: nothing is on its way, and what was is sent again with the same client ids. Pauses go on.
    /// The attempts that have no outcome are returned.
    pub(crate) fn disconnected(&mut self) -> Vec<u64> {
        self.in_flight.clear();
        let mut lost = Vec::new();
        for (number, queue) in &mut self.queues {
            if queue.sent > 0 {
                queue.sent = 0;
                if is_on(Defect::NoOrder) {
                    queue.items.rotate_left(1);
                }
                self.ready.push_back(*number);
            }
            let tried = queue.items.iter_mut().take(limits::BATCH_MESSAGES_MAX);
            lost.extend(tried.filter_map(|item| item.attempt.take()));
        }
        lost
    }

    /// Whether nothing waits.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.numbers.is_empty() && self.ready.is_empty()
    }

    fn queue_of(&mut self, destination: &Destination) -> &mut Queue<W> {
        let number = if let Some(number) = self.numbers.get(destination) {
            *number
        } else {
            let number = self.next_number;
            self.next_number += 1;
            self.numbers.insert(destination.clone(), number);
            self.ready.push_back(number);
            number
        };
        self.queues.entry(number).or_insert_with(|| Queue {
            destination: destination.clone(),
            items: VecDeque::new(),
            sent: 0,
            apart: 0,
        })
    }
}

impl<W> Queue<W> {
    /// How many of the first messages go together.
    fn load(&self) -> usize {
        if self.apart > 0 || matches!(self.destination, Destination::People { .. }) {
            return 1;
        }
        let mut bytes = 0;
        let fits = |item: &&Item<W>| {
            bytes += ITEM_BYTES + json_bytes(&item.message.content);
            bytes <= BATCH_BYTES_MAX
        };
        let items = self.items.iter().take(limits::BATCH_MESSAGES_MAX);
        items.take_while(fits).count().max(1)
    }
}

impl<W> Item<W> {
    fn new(message: Outgoing, waiter: Option<W>) -> Self {
        Self {
            message,
            attempts: 0,
            attempt: None,
            waiter,
        }
    }
}

/// Bytes of a text inside JSON.
fn json_bytes(text: &str) -> usize {
    let bytes = |byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(bytes).sum()
}

#[cfg(test)]
mod tests;
