//! Sends: loss, repetition, phantoms, refusals, order.

use semel_check::{Action, Event, Invariant, Kind, ORDERED};

use crate::{
    caught, caught_with, good,
    spoil::{FRESH_KEY, History, is_view},
};

fn is_acked_send(event: &Event) -> bool {
    event.kind == Kind::Ok && event.action == Action::Send
}

pub(crate) fn acknowledge_what_was_never_stored(history: &mut History) -> bool {
    let seq = history.head(1).seq + 1;
    let invoke = history.fresh_call(Kind::Invoke);
    let ok = Event {
        kind: Kind::Ok,
        seq,
        id: 99,
        ..invoke
    };
    history.insert_at_end(&[Event { hash: 5, ..invoke }, ok]);
    true
}

#[test]
fn an_acknowledged_send_is_lost() {
    caught(&[Invariant::S1], acknowledge_what_was_never_stored);
}

#[test]
fn two_sends_are_acknowledged_at_one_place() {
    caught(&[Invariant::S1], |history| {
        let seq = history.head(1).seq;
        let invoke = history.fresh_call(Kind::Invoke);
        let ok = Event {
            kind: Kind::Ok,
            seq,
            ..invoke
        };
        history.insert_at_end(&[invoke, ok]);
        true
    });
}

#[test]
fn an_acknowledged_send_is_lost_from_the_middle() {
    caught(&[Invariant::S1, Invariant::S5], |history| {
        let Some(ok) = history.one(|event| is_acked_send(event) && event.seq > 1) else {
            return false;
        };
        let ok = history.events[ok];
        history.events.retain(|event| {
            event.kind != Kind::Final || event.key != ok.key || event.seq != ok.seq
        });
        true
    });
}

#[test]
fn a_send_is_acknowledged_under_another_id() {
    caught(&[Invariant::S1], |history| {
        let Some(ok) = history.one(is_acked_send) else {
            return false;
        };
        let key = history.events[ok].key;
        history.change(
            |event| event.kind == Kind::Ok && event.key == key,
            |event| event.id ^= 1,
        ) > 0
    });
}

#[test]
fn a_message_is_there_twice() {
    caught(&[Invariant::S2], |history| {
        let Some(ok) = history.one(|event| is_acked_send(event) && event.thread == 1) else {
            return false;
        };
        let invoke = history.invoke_of(history.events[ok].key);
        history.append(Event {
            user: invoke.user,
            thread: 1,
            key: invoke.key,
            hash: invoke.hash,
            id: 77,
            ..Event::at(0, Kind::Final, Action::Send)
        });
        true
    });
}

#[test]
fn a_retry_is_acknowledged_at_another_place() {
    caught_with(
        &[Invariant::S2],
        &[Invariant::S1, Invariant::S6],
        |history| {
            let repeated =
                |event: &Event| is_acked_send(event) && event.code == semel_check::DUPLICATE;
            let earlier = |key, index: usize| {
                let mut before = history.events[..index].iter();
                before.any(|event| is_acked_send(event) && event.key == key)
            };
            let all = history.all(repeated);
            let Some(second) = all
                .into_iter()
                .find(|index| earlier(history.events[*index].key, *index))
            else {
                return false;
            };
            history.events[second].seq += 1;
            true
        },
    );
}

#[test]
fn a_message_that_nobody_sent() {
    caught(&[Invariant::S3], |history| {
        history.append(Event {
            user: 1,
            thread: 1,
            key: FRESH_KEY,
            hash: 5,
            id: 77,
            ..Event::at(0, Kind::Final, Action::Send)
        });
        true
    });
}

#[test]
fn a_message_without_a_client_id() {
    caught(&[Invariant::S3], |history| {
        history.append(Event {
            user: 1,
            thread: 1,
            hash: 5,
            id: 77,
            ..Event::at(0, Kind::Final, Action::Send)
        });
        true
    });
}

#[test]
fn content_is_corrupted() {
    caught(&[Invariant::S3], |history| {
        let Some(ok) = history.one(|event| is_acked_send(event) && event.rev != 0) else {
            return false;
        };
        let ok = history.events[ok];
        let of_this =
            |event: &Event| is_view(event) && event.key == ok.key && event.version == ok.rev;
        let was_changed = history.change(of_this, |event| event.hash ^= 1) > 0;
        let first = history
            .events
            .iter()
            .find(|event| of_this(event) && event.hash != 0 && event.rev == ok.rev);
        was_changed && first.is_some()
    });
}

#[test]
fn a_message_has_another_author() {
    caught(&[Invariant::S3], |history| {
        let Some(ok) = history.one(is_acked_send) else {
            return false;
        };
        let key = history.events[ok].key;
        let of_this =
            |event: &Event| is_view(event) && event.key == key && event.action == Action::Send;
        history.change(of_this, |event| event.user += 1) > 0
    });
}

#[test]
fn a_refused_message_is_there() {
    caught(&[Invariant::S4], |history| {
        let refused = |event: &Event| {
            event.kind == Kind::Fail && event.action == Action::Send && event.thread == 1
        };
        let is_always = |key| {
            let attempts = |kind: Kind| {
                let of_key = history.events.iter().filter(|event| event.key == key);
                of_key.filter(|event| event.kind == kind).count()
            };
            attempts(Kind::Invoke) == attempts(Kind::Fail)
        };
        let all = history.all(refused);
        let Some(fail) = all
            .into_iter()
            .find(|index| is_always(history.events[*index].key))
        else {
            return false;
        };
        let invoke = history.invoke_of(history.events[fail].key);
        history.append(Event {
            user: invoke.user,
            thread: 1,
            key: invoke.key,
            hash: invoke.hash,
            id: 77,
            ..Event::at(0, Kind::Final, Action::Send)
        });
        true
    });
}

/// Two messages change places, for everybody and in their acknowledgements.
fn exchange(history: &mut History, first: u64, second: u64) {
    let invokes = [history.invoke_of(first), history.invoke_of(second)];
    let ok = |key| {
        let mut all = history.events.iter();
        let found = all.find(|event| is_acked_send(event) && event.key == key);
        *found.expect("both were acknowledged")
    };
    let oks = [ok(first), ok(second)];
    for event in &mut history.events {
        let Some(which) = [first, second].iter().position(|key| *key == event.key) else {
            continue;
        };
        let other = 1 - which;
        if is_view(event) {
            (event.key, event.hash, event.user) =
                (invokes[other].key, invokes[other].hash, invokes[other].user);
        } else if event.kind == Kind::Ok {
            (event.seq, event.rev, event.id) = (oks[other].seq, oks[other].rev, oks[other].id);
        }
    }
}

#[test]
fn real_time_order_is_broken() {
    caught(&[Invariant::S6], |history| {
        history.become_plain();
        let Some(first) =
            history.one(|event| is_acked_send(event) && event.thread == 1 && event.seq < 20)
        else {
            return false;
        };
        let key = history.events[first].key;
        let later = history.events[first..].iter().find(|event| {
            event.kind == Kind::Invoke && event.action == Action::Send && event.thread == 1
        });
        let Some(later) = later.map(|event| event.key) else {
            return false;
        };
        exchange(history, key, later);
        true
    });
}

/// Two sends of one person's devices, under way at once, the later one with the lower seq: a device that sent both would
/// have lost its order, and real time says nothing about them.
fn lose_the_order_of_a_device(history: &mut History) -> Option<u64> {
    history.become_plain();
    let invokes = history.all(|event| event.kind == Kind::Invoke && event.action == Action::Send);
    let seq = |key| {
        history
            .events
            .iter()
            .find(|event| is_acked_send(event) && event.key == key)
            .expect("in a plain history every send is acknowledged")
            .seq
    };
    let (a, b) = invokes.iter().find_map(|first| {
        let a = history.events[*first];
        let during = history.events[*first..]
            .iter()
            .take_while(|event| event.key != a.key || is_invoke(event));
        let b = during.into_iter().find(|event| {
            is_invoke(event)
                && event.key != a.key
                && (event.user, event.thread) == (a.user, a.thread)
                && seq(event.key) < seq(a.key)
        })?;
        Some((a, *b))
    })?;
    assert_eq!(a.code & ORDERED, ORDERED);
    let is_of_b =
        |event: &Event| matches!(event.kind, Kind::Invoke | Kind::Ok) && event.key == b.key;
    (history.change(is_of_b, |event| event.session = a.session) > 0).then_some(a.key)
}

#[test]
fn the_order_of_a_device_is_broken() {
    caught(&[Invariant::S6], |history| {
        lose_the_order_of_a_device(history).is_some()
    });
}

#[test]
fn what_one_server_refused_may_be_stored_late_by_another() {
    good(|history| {
        let Some(late) = lose_the_order_of_a_device(history) else {
            return false;
        };
        let invoke = history.invoke_of(late);
        let end = history.all(|event| is_acked_send(event) && event.key == late)[0];
        let time = history.events[end].time;
        history.events[end] = Event {
            kind: Kind::Info,
            time,
            ..invoke
        };
        let call = history.fresh_call(Kind::Invoke).call;
        let refusal = [Kind::Invoke, Kind::Fail].map(|kind| Event {
            kind,
            time,
            call,
            ..invoke
        });
        history.events.splice((end + 1)..=end, refusal);
        true
    });
}

fn is_invoke(event: &Event) -> bool {
    event.kind == Kind::Invoke && event.action == Action::Send
}
