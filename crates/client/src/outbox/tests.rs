use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn to(thread: u128) -> Destination {
    Destination::Thread(ThreadId(Uuid::from_u128(thread)))
}

fn message(thread: u128, number: u128) -> Outgoing {
    Outgoing {
        client_id: ClientId(Uuid::from_u128(number)),
        destination: to(thread),
        content: format!("{thread}/{number}"),
    }
}

fn outbox(messages: impl IntoIterator<Item = Outgoing>) -> Outbox<()> {
    let mut outbox = Outbox::default();
    for message in messages {
        outbox.push(message, Some(()));
    }
    outbox
}

/// Sends everything that may go; what went, under ascending numbers.
fn send_all(outbox: &mut Outbox<()>, from_id: u64) -> Vec<Vec<u128>> {
    let mut sent = vec![];
    while let Some((_, items)) = outbox.next() {
        let numbers: Vec<_> = items.iter().map(number).collect();
        outbox.sent(from_id + sent.len() as u64, numbers.len());
        sent.push(numbers);
    }
    sent
}

fn number(item: &Item<()>) -> u128 {
    item.message.client_id.0.as_u128()
}

fn now() -> Instant {
    Instant::now()
}

#[test]
fn one_batch_of_a_thread_is_on_its_way_at_a_time() {
    let mut outbox = outbox([message(1, 1), message(2, 2)]);
    assert_eq!(send_all(&mut outbox, 0), [[1], [2]]);
    for n in 3..=5 {
        outbox.push(message(1, n), Some(()));
    }
    assert!(send_all(&mut outbox, 2).is_empty());
    assert_eq!(number(&outbox.settle(0, 1, Rest::Now, now())[0]), 1);
    assert_eq!(send_all(&mut outbox, 2), [[3, 4, 5]]);
    assert_eq!(outbox.settle(2, 3, Rest::Now, now()).len(), 3);
    assert_eq!(outbox.settle(1, 1, Rest::Now, now()).len(), 1);
    assert!(outbox.is_empty() && outbox.settle(1, 1, Rest::Now, now()).is_empty());
}

#[test]
fn a_batch_has_its_limits_and_messages_to_people_go_one_by_one() {
    let mut many = outbox((1..=101).map(|n| message(1, n)));
    assert_eq!(many.next().unwrap().1.len(), limits::BATCH_MESSAGES_MAX);

    let long = "\"".repeat(BATCH_BYTES_MAX / 4);
    let with = |n, content: &str| Outgoing {
        content: content.to_owned(),
        ..message(1, n)
    };
    let mut large = outbox([with(1, "short"), with(2, &long), with(3, &long)]);
    assert_eq!(large.next().unwrap().1.len(), 2);
    let mut huge = outbox([with(1, &"\n".repeat(BATCH_BYTES_MAX)), with(2, "short")]);
    assert_eq!(huge.next().unwrap().1.len(), 1, "one goes always");

    let people = |n| Outgoing {
        destination: Destination::People {
            participants: vec![],
            thread_type: ThreadType::Direct,
        },
        ..message(1, n)
    };
    let mut outbox = outbox([people(1), people(2)]);
    assert_eq!(send_all(&mut outbox, 0), [[1]]);
}

#[test]
fn a_device_has_no_more_on_its_way_than_the_server_takes() {
    let mut outbox = outbox((1..=100).map(|n| message(n, n)));
    let sent = send_all(&mut outbox, 0);
    assert_eq!(sent.len(), limits::DEVICE_ACTIONS_IN_FLIGHT_MAX);
    outbox.settle(0, 1, Rest::Now, now());
    assert_eq!(send_all(&mut outbox, 100), [[65]]);
}

#[test]
fn what_was_on_its_way_is_sent_again_in_order() {
    let mut outbox = outbox([message(1, 1), message(1, 2)]);
    for item in outbox.next().unwrap().1 {
        item.attempt = Some(7);
    }
    outbox.sent(0, 2);
    outbox.push(message(1, 3), Some(()));
    assert_eq!(outbox.disconnected(), [7, 7]);
    assert!(outbox.disconnected().is_empty(), "told once");
    assert!(
        outbox.on_its_way(0).is_none(),
        "an answer of the old connection is not taken for a new one"
    );
    assert_eq!(send_all(&mut outbox, 0), [[1, 2, 3]]);
}

#[test]
fn a_refusal_for_now_holds_back_what_comes_after_it_and_nothing_else() {
    let second = Duration::from_secs(1);
    let start = now();
    let mut outbox = outbox([message(1, 1), message(1, 2), message(1, 3), message(2, 4)]);
    assert_eq!(send_all(&mut outbox, 0), [vec![1, 2, 3], vec![4]]);
    assert_eq!(outbox.settle(0, 1, Rest::After(second * 9), start).len(), 1);
    assert!(outbox.settle(1, 0, Rest::After(second), start).is_empty());
    assert_eq!(outbox.retry_at(), Some(start + second));
    outbox.push(message(1, 5), Some(()));
    outbox.disconnected();
    assert!(send_all(&mut outbox, 2).is_empty(), "pauses go on");
    outbox.retry(start + second);
    assert_eq!(send_all(&mut outbox, 2), [[4]]);
    outbox.retry(start + second * 9);
    assert_eq!(send_all(&mut outbox, 3), [[2, 3, 5]]);
}

#[test]
fn what_was_refused_together_goes_one_by_one() {
    let mut outbox = outbox((1..=3).map(|n| message(1, n)));
    assert_eq!(send_all(&mut outbox, 0), [[1, 2, 3]]);
    assert!(outbox.settle(0, 0, Rest::Apart, now()).is_empty());
    outbox.push(message(1, 4), Some(()));
    outbox.push(message(1, 5), Some(()));
    for n in 1..=3 {
        assert_eq!(send_all(&mut outbox, n), [[u128::from(n)]]);
        outbox.settle(n, 1, Rest::Now, now());
    }
    assert_eq!(send_all(&mut outbox, 4), [[4, 5]]);
}

#[test]
fn somebody_can_wait_for_a_message_that_was_there_before() {
    let mut outbox = Outbox::default();
    outbox.push(message(1, 2), None);
    outbox.push_first(vec![message(1, 1), message(2, 3)]);
    assert_eq!(outbox.claim(&message(1, 2), "a"), None);
    assert_eq!(outbox.claim(&message(1, 2), "b"), Some("b"), "once");
    assert_eq!(outbox.claim(&message(1, 9), "c"), Some("c"));
    let other = Outgoing {
        content: "other words".to_owned(),
        ..message(1, 1)
    };
    assert_eq!(outbox.claim(&other, "d"), Some("d"));
    let (_, items) = outbox.next().unwrap();
    let waiters: Vec<_> = items.iter().map(|item| item.waiter).collect();
    assert_eq!(waiters, [None, Some("a")]);
}

/// What can happen to an outbox.
#[derive(Clone, Debug)]
enum Event {
    Push(u128),
    Send,
    /// An answer: to which of those on their way, how many are settled, whether it never arrives, what of the rest.
    Answer(usize, usize, bool, u8),
    Retry(u64),
    Disconnect,
    Crash,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (1..4_u128).prop_map(Event::Push),
        3 => Just(Event::Send),
        4 => (0..4_usize, 0..5_usize, any::<bool>(), 0..3_u8)
            .prop_map(|(which, count, lost, rest)| Event::Answer(which, count, lost, rest)),
        1 => (1..5_u64).prop_map(Event::Retry),
        1 => Just(Event::Disconnect),
        1 => Just(Event::Crash),
    ];
    prop::collection::vec(event, 0..120)
}

/// A device, what it keeps, and a server that stores what arrives, once.
struct World {
    outbox: Outbox<()>,
    kept: Vec<Outgoing>,
    on_their_way: BTreeMap<u64, (u128, Vec<u128>)>,
    stored: BTreeMap<u128, Vec<u128>>,
    pushed: BTreeMap<u128, Vec<u128>>,
    number: u128,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self {
            outbox: Outbox::default(),
            kept: vec![],
            on_their_way: BTreeMap::new(),
            stored: BTreeMap::new(),
            pushed: BTreeMap::new(),
            number: 0,
            now: now(),
        }
    }

    fn happen(&mut self, event: &Event, id: &mut u64) {
        match *event {
            Event::Push(thread) => {
                self.number += 1;
                let message = message(thread, self.number);
                self.kept.push(message.clone());
                self.pushed.entry(thread).or_default().push(self.number);
                self.outbox.push(message, Some(()));
            }
            Event::Send => {
                while let Some((destination, items)) = self.outbox.next() {
                    let Destination::Thread(ThreadId(thread)) = destination else {
                        unreachable!()
                    };
                    let (thread, count) = (thread.as_u128(), items.len());
                    let numbers = items.iter().map(number).collect();
                    let others = self.on_their_way.values();
                    assert!(others.into_iter().all(|(other, _)| *other != thread));
                    self.outbox.sent(*id, count);
                    self.on_their_way.insert(*id, (thread, numbers));
                    *id += 1;
                }
            }
            Event::Answer(which, count, lost, rest) => self.answer(which, count, lost, rest),
            Event::Retry(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.outbox.retry(self.now);
            }
            Event::Disconnect => {
                self.on_their_way.clear();
                self.outbox.disconnected();
            }
            Event::Crash => {
                self.on_their_way.clear();
                self.outbox = outbox(self.kept.iter().cloned());
            }
        }
    }

    /// The server stores some of what was sent to it, and the answer arrives or does not.
    fn answer(&mut self, which: usize, count: usize, lost: bool, rest: u8) {
        let Some(id) = self.on_their_way.keys().nth(which).copied() else {
            return;
        };
        let (thread, numbers) = self.on_their_way[&id].clone();
        let count = count.min(numbers.len());
        let log = self.stored.entry(thread).or_default();
        for number in &numbers[..count] {
            if !log.contains(number) {
                log.push(*number);
            }
        }
        if lost {
            return;
        }
        self.on_their_way.remove(&id);
        let rest = match rest {
            0 => Rest::Now,
            1 => Rest::After(Duration::from_secs(2)),
            _ => Rest::Apart,
        };
        let settled = self.outbox.settle(id, count, rest, self.now);
        let settled: Vec<_> = settled.iter().map(number).collect();
        assert_eq!(settled, numbers[..count]);
        self.kept
            .retain(|message| !settled.contains(&message.client_id.0.as_u128()));
    }
}

proptest! {
    /// Whatever happens in whatever order: of a thread one load is on its way at a time, and when everything has come
    /// to rest, each message is stored once, in the order in which they were written.
    #[test]
    fn ec_m04_any_interleaving_keeps_order_and_loses_nothing(events in events()) {
        let mut world = World::new();
        let mut id = 0;
        for event in &events {
            world.happen(event, &mut id);
        }
        world.happen(&Event::Disconnect, &mut id);
        while !world.outbox.is_empty() {
            world.happen(&Event::Retry(10), &mut id);
            world.happen(&Event::Send, &mut id);
            prop_assert!(!world.on_their_way.is_empty(), "the outbox stands still");
            world.happen(&Event::Answer(0, usize::MAX, false, 0), &mut id);
        }
        prop_assert!(world.kept.is_empty());
        prop_assert_eq!(world.stored, world.pushed);
    }
}
