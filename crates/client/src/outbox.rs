//! What waits to be acknowledged. Pure: the session does the sending.

use std::collections::{BTreeMap, HashMap, VecDeque};

use semel_protocol::{ClientId, ThreadId, UserId, thread::ThreadType};

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
    pub(crate) client_id: ClientId,
    pub(crate) content: String,
    pub(crate) attempts: u32,
    /// The witness's number of the attempt that has no outcome yet.
    pub(crate) attempt: Option<u64>,
    pub(crate) waiter: W,
}

/// One queue for each destination, with one message of it in flight at a time: so the order in which they were written
/// is the order in which they are stored.
#[derive(Debug)]
pub(crate) struct Outbox<W> {
    /// In the order in which they came to be, so that a run can be repeated.
    queues: BTreeMap<u64, Queue<W>>,
    /// For looking up only.
    numbers: HashMap<Destination, u64>,
    next_number: u64,
    /// Queue of each message on its way. For looking up only.
    in_flight: HashMap<u64, u64>,
    /// Queues whose first message can be sent now.
    ready: VecDeque<u64>,
}

#[derive(Debug)]
struct Queue<W> {
    destination: Destination,
    items: VecDeque<Item<W>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    InFlight,
    /// Refused for now: waits for [`Outbox::retry`].
    Paused,
}

impl<W> Default for Outbox<W> {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            in_flight: HashMap::new(),
            ready: VecDeque::new(),
        }
    }
}

impl<W> Outbox<W> {
    /// Keeps a message.
    pub(crate) fn push(&mut self, destination: Destination, item: Item<W>) {
        if let Some(number) = self.numbers.get(&destination) {
            if let Some(queue) = self.queues.get_mut(number) {
                queue.items.push_back(item);
            }
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(destination.clone(), number);
        let queue = Queue {
            destination,
            items: VecDeque::from([item]),
            state: State::Ready,
        };
        self.queues.insert(number, queue);
        self.ready.push_back(number);
    }

    /// The next message to send, until [`Outbox::sent`] says that it is on its way.
    pub(crate) fn next(&mut self) -> Option<(&Destination, &mut Item<W>)> {
        let queue = self.queues.get_mut(self.ready.front()?)?;
        let item = queue.items.front_mut()?;
        Some((&queue.destination, item))
    }

    /// The message that [`Outbox::next`] named is on its way under this number.
    pub(crate) fn sent(&mut self, id: u64) {
        let Some(number) = self.ready.pop_front() else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.state = State::InFlight;
        }
        self.in_flight.insert(id, number);
    }

    /// The message that was sent under a number.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Item<W>> {
        let queue = self.queues.get_mut(self.in_flight.get(&id)?)?;
        queue.items.front_mut()
    }

    /// Takes the message out that was sent under a number: it has its answer.
    pub(crate) fn settle(&mut self, id: u64) -> Option<Item<W>> {
        let number = self.in_flight.remove(&id)?;
        let queue = self.queues.get_mut(&number)?;
        let item = queue.items.pop_front();
        if queue.items.is_empty() {
            self.numbers.remove(&queue.destination);
            self.queues.remove(&number);
        } else {
            queue.state = State::Ready;
            self.ready.push_back(number);
        }
        item
    }

    /// The message that was sent under a number may succeed later: it stays, and its destination waits.
    pub(crate) fn pause(&mut self, id: u64) {
        let Some(number) = self.in_flight.remove(&id) else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.state = State::Paused;
        }
    }

    /// Paused destinations may send again.
    pub(crate) fn retry(&mut self) {
        self.release(|state| state == State::Paused);
    }

    /// The connection is gone: nothing is in flight, everything is sent again with the same client ids. The attempts
    /// that have no outcome are returned.
    pub(crate) fn disconnected(&mut self) -> Vec<u64> {
        self.in_flight.clear();
        self.release(|state| state != State::Ready);
        let first = self.queues.values_mut();
        first
            .filter_map(|queue| queue.items.front_mut()?.attempt.take())
            .collect()
    }

    /// Whether nothing waits.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    fn release(&mut self, which: impl Fn(State) -> bool) {
        for (number, queue) in &mut self.queues {
            if which(queue.state) {
                queue.state = State::Ready;
                self.ready.push_back(*number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn to(thread: u128) -> Destination {
        Destination::Thread(ThreadId(Uuid::from_u128(thread)))
    }

    fn item(name: &str) -> Item<()> {
        let client_id = ClientId(Uuid::from_u128(9));
        Item {
            client_id,
            content: name.to_owned(),
            attempts: 0,
            attempt: None,
            waiter: (),
        }
    }

    fn send_all(outbox: &mut Outbox<()>, from_id: u64) -> Vec<String> {
        let mut sent = vec![];
        while let Some((_, item)) = outbox.next() {
            sent.push(item.content.clone());
            outbox.sent(from_id + sent.len() as u64 - 1);
        }
        sent
    }

    #[test]
    fn one_message_of_a_thread_is_in_flight_at_a_time() {
        let mut outbox = Outbox::default();
        outbox.push(to(1), item("a1"));
        outbox.push(to(1), item("a2"));
        outbox.push(to(2), item("b1"));
        assert_eq!(send_all(&mut outbox, 0), ["a1", "b1"]);
        assert_eq!(outbox.settle(0).unwrap().content, "a1");
        assert_eq!(send_all(&mut outbox, 2), ["a2"]);
        assert_eq!(outbox.settle(2).unwrap().content, "a2");
        assert_eq!(outbox.settle(1).unwrap().content, "b1");
        assert!(outbox.is_empty() && outbox.settle(1).is_none());
    }

    #[test]
    fn what_was_in_flight_is_sent_again_in_order() {
        let mut outbox = Outbox::default();
        outbox.push(to(1), item("a1"));
        outbox.push(to(1), item("a2"));
        assert_eq!(send_all(&mut outbox, 0), ["a1"]);
        outbox.disconnected();
        assert!(
            outbox.get_mut(0).is_none(),
            "an answer of the old connection is not taken for a new one"
        );
        assert_eq!(send_all(&mut outbox, 0), ["a1"]);
        outbox.settle(0);
        assert_eq!(send_all(&mut outbox, 1), ["a2"]);
    }

    #[test]
    fn a_refusal_for_now_holds_back_what_comes_after_it() {
        let mut outbox = Outbox::default();
        outbox.push(to(1), item("a1"));
        outbox.push(to(1), item("a2"));
        assert_eq!(send_all(&mut outbox, 0), ["a1"]);
        outbox.pause(0);
        assert!(send_all(&mut outbox, 1).is_empty());
        outbox.retry();
        assert_eq!(send_all(&mut outbox, 1), ["a1"]);
    }
}
