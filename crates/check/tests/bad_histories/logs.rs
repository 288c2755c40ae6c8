//! Logs: gaps, disagreement, reads that miss something, the database's own checks, and one thread for one set.

use semel_check::{Action, Event, Invariant, Kind};

use crate::{
    caught, caught_with,
    spoil::{FRESH_KEY, History, is_view},
};

#[test]
fn a_seq_is_left_out() {
    caught(&[Invariant::S5], |history| {
        history.become_plain();
        let head = history.head(1);
        let of_last = |event: &Event| event.thread == 1 && event.seq == head.seq;
        history.change(
            |event| of_last(event) && event.kind != Kind::Invoke,
            |event| event.seq += 1,
        ) > 0
    });
}

#[test]
fn a_rev_is_left_out() {
    caught(&[Invariant::S5], |history| {
        let middle = |event: &Event| {
            event.kind == Kind::Final && event.action == Action::Send && event.rev > 3
        };
        let Some(entry) = history.one(middle) else {
            return false;
        };
        history.events.remove(entry);
        true
    });
}

pub(crate) fn give_a_seq_twice(history: &mut History) -> bool {
    let is_system = |event: &Event| {
        event.kind == Kind::Final
            && matches!(event.action, Action::Add | Action::Remove)
            && event.seq > 1
    };
    let Some(entry) = history.one(is_system) else {
        return false;
    };
    let entry = history.events[entry];
    let same =
        |event: &Event| is_view(event) && (event.thread, event.rev) == (entry.thread, entry.rev);
    history.change(same, |event| event.seq -= 1) > 0
}

#[test]
fn a_seq_is_given_twice() {
    caught_with(
        &[Invariant::S5],
        &[Invariant::S1, Invariant::S3],
        give_a_seq_twice,
    );
}

#[test]
fn readers_are_told_different_ends() {
    caught(&[Invariant::S5], |history| {
        let Some(head) = history.one(|event| event.action == Action::Head) else {
            return false;
        };
        history.events[head].seq += 1;
        true
    });
}

#[test]
fn readers_disagree_about_an_id() {
    caught(&[Invariant::S5], |history| {
        let is_message = |event: &Event| event.kind == Kind::Final && event.action == Action::Send;
        let Some(entry) = history.one(is_message) else {
            return false;
        };
        history.events[entry].id ^= 1;
        true
    });
}

#[test]
fn readers_disagree_about_content() {
    caught(&[Invariant::S5], |history| {
        let is_message = |event: &Event| {
            event.kind == Kind::Final && event.action == Action::Send && event.hash != 0
        };
        let Some(entry) = history.one(is_message) else {
            return false;
        };
        let version = history.events[entry].version;
        let thread = history.events[entry].thread;
        let seen = history
            .all(|event| is_view(event) && event.thread == thread && event.version == version);
        if seen.len() < 2 {
            return false;
        }
        history.events[entry].hash ^= 1;
        true
    });
}

#[test]
fn readers_disagree_about_what_happened() {
    caught(&[Invariant::S5], |history| {
        let is_change = |event: &Event| event.kind == Kind::Final && event.action == Action::React;
        let Some(entry) = history.one(is_change) else {
            return false;
        };
        history.events[entry].user += 1;
        true
    });
}

#[test]
fn an_entry_is_shown_and_never_stored() {
    caught(&[Invariant::S5], |history| {
        let head = history.head(1);
        let invoke = history.fresh_call(Kind::Invoke);
        let info = Event {
            kind: Kind::Info,
            ..invoke
        };
        let cursor = history.all(|event| {
            event.action == Action::Cursor && event.thread == 1 && event.rev == head.rev
        });
        let Some(cursor) = cursor.first().copied() else {
            return false;
        };
        history.events[cursor].rev += 1;
        let apply = Event {
            session: history.events[cursor].session,
            user: 1,
            thread: 1,
            key: FRESH_KEY,
            id: 77,
            seq: head.seq + 1,
            rev: head.rev + 1,
            ..Event::at(0, Kind::Apply, Action::Send)
        };
        history.insert_at_end(&[invoke, info, apply]);
        true
    });
}

fn read_of_acknowledged(history: &History) -> Option<usize> {
    let reads = history.all(|event| {
        event.kind == Kind::Ok && event.action == Action::ReadMessages && event.seq > 1
    });
    reads.into_iter().find(|index| {
        let ok = history.events[*index];
        let begin = history
            .events
            .iter()
            .position(|event| event.call == ok.call && event.kind == Kind::Invoke);
        let before = &history.events[..begin.unwrap_or(0)];
        let is_known = |event: &Event| event.kind == Kind::Ok && event.action == Action::Send;
        let is_last = |event: &Event| (event.thread, event.seq) == (ok.thread, ok.seq);
        before.iter().any(|event| is_known(event) && is_last(event)) && ok.version < ok.seq
    })
}

#[test]
fn a_read_misses_what_was_acknowledged_before() {
    caught(&[Invariant::S1], |history| {
        let Some(ok) = read_of_acknowledged(history) else {
            return false;
        };
        let (call, seq) = (history.events[ok].call, history.events[ok].seq);
        history.events[ok].seq -= 1;
        history
            .events
            .retain(|event| event.kind != Kind::Row || event.call != call || event.seq != seq);
        true
    });
}

#[test]
fn a_read_ends_before_it_says() {
    caught(&[Invariant::S1], |history| {
        let Some(ok) = read_of_acknowledged(history) else {
            return false;
        };
        let (call, seq) = (history.events[ok].call, history.events[ok].seq);
        history
            .events
            .retain(|event| event.kind != Kind::Row || event.call != call || event.seq != seq);
        true
    });
}

#[test]
fn a_read_has_a_hole() {
    caught(&[Invariant::S5], |history| {
        let is_long = |event: &Event| {
            event.kind == Kind::Ok
                && event.action == Action::ReadEntries
                && event.rev > event.version + 1
        };
        let Some(ok) = history.one(is_long) else {
            return false;
        };
        let (call, rev) = (history.events[ok].call, history.events[ok].version + 1);
        history
            .events
            .retain(|event| event.kind != Kind::Row || event.call != call || event.rev != rev);
        true
    });
}

#[test]
fn a_set_of_people_has_two_threads() {
    caught(&[Invariant::S9], |history| {
        let is_owner = |event: &Event| event.action == Action::Owner && event.kind == Kind::Final;
        let Some(owner) = history.one(is_owner) else {
            return false;
        };
        history.events[owner].thread = history.events[owner].thread % 3 + 1;
        true
    });
}

#[test]
fn the_database_fails_its_checks() {
    caught(&[Invariant::S14], |history| {
        let Some(check) = history.one(|event| event.action == Action::Doctor) else {
            return false;
        };
        history.events[check].hash = 3;
        true
    });
}

#[test]
fn the_first_entry_is_missing_from_every_final_log() {
    caught_with(&[Invariant::S5], &[Invariant::S1], |history| {
        let is_first = |event: &Event| {
            event.kind == Kind::Final && event.action == Action::Create && event.thread == 1
        };
        history.events.retain(|event| !is_first(event));
        true
    });
}

#[test]
fn a_final_log_has_fewer_messages_than_it_says() {
    caught(&[Invariant::S5], |history| {
        let is_head = |event: &Event| event.action == Action::Head && event.thread == 1;
        history.change(is_head, |event| event.seq += 1) > 0
    });
}

#[test]
fn a_final_log_is_empty_for_one_reader() {
    caught(&[Invariant::S5], |history| {
        let session = history.head(1).session;
        history.events.retain(|event| {
            let is_entry = event.kind == Kind::Final && event.action.is_entry();
            !(is_entry && event.thread == 1 && event.session == session)
        });
        true
    });
}

#[test]
fn a_message_is_read_and_never_stored() {
    caught(&[Invariant::S5], |history| {
        let seq = history.head(1).seq + 1;
        let invoke = history.fresh_call(Kind::Invoke);
        let info = Event {
            kind: Kind::Info,
            ..invoke
        };
        let read = Event {
            action: Action::ReadMessages,
            call: invoke.call + 1,
            key: 0,
            ..invoke
        };
        let row = Event {
            kind: Kind::Row,
            action: Action::Send,
            key: FRESH_KEY,
            id: 77,
            seq,
            ..read
        };
        let ok = Event {
            kind: Kind::Ok,
            version: seq,
            seq,
            ..read
        };
        history.insert_at_end(&[invoke, info, read, row, ok]);
        true
    });
}
