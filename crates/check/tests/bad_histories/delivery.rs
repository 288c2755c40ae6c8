//! What devices apply: skips, repeats, inversions, what is not theirs, and positions that go back.

use semel_check::{Action, Event, Invariant, Kind, Options, check_events};

use crate::{caught, spoil::History};

fn is_applied(event: &Event) -> bool {
    event.kind == Kind::Apply && event.action.is_entry()
}

/// An applied entry whose session applies the next one of the thread right after it.
fn one_with_next(history: &History) -> Option<usize> {
    let all = history.all(is_applied);
    let follows = |index: &usize| {
        let (event, next) = (history.events[*index], history.events.get(index + 1));
        next.is_some_and(|next| {
            is_applied(next)
                && (next.session, next.thread, next.rev)
                    == (event.session, event.thread, event.rev + 1)
        })
    };
    let all: Vec<_> = all.into_iter().filter(follows).collect();
    all.get(all.len() / 2).copied()
}

#[test]
fn a_device_skips_an_entry() {
    caught(&[Invariant::S7], |history| {
        let is_first = |event: &Event| is_applied(event) && event.rev > 1;
        let Some(apply) = one_with_next(history).filter(|index| is_first(&history.events[*index]))
        else {
            return false;
        };
        history.events.remove(apply);
        true
    });
}

#[test]
fn a_device_applies_an_entry_again() {
    caught(&[Invariant::S7], |history| {
        let Some(apply) = history.one(is_applied) else {
            return false;
        };
        history.events.insert(apply, history.events[apply]);
        true
    });
}

#[test]
fn a_device_applies_entries_the_wrong_way_round() {
    caught(&[Invariant::S7], |history| {
        let Some(apply) = one_with_next(history) else {
            return false;
        };
        history.events.swap(apply, apply + 1);
        true
    });
}

#[test]
fn a_device_never_gets_the_last_entry() {
    caught(&[Invariant::S7], |history| {
        let Some(cursor) = history.one(|event| event.action == Action::Cursor && event.rev > 1)
        else {
            return false;
        };
        let end = history.events[cursor];
        history.events[cursor].rev -= 1;
        let is_last = |event: &Event| {
            matches!(event.kind, Kind::Apply | Kind::Wire)
                && (event.session, event.thread, event.rev) == (end.session, end.thread, end.rev)
        };
        history.events.retain(|event| !is_last(event));
        true
    });
}

#[test]
fn a_device_begins_in_the_middle() {
    caught(&[Invariant::S7], |history| {
        let firsts = history.all(|event| is_applied(event) && event.rev == 1);
        let Some(first) = firsts.last().copied() else {
            return false;
        };
        history.events.remove(first);
        true
    });
}

#[test]
fn a_device_goes_back() {
    caught(&[Invariant::S7], |history| {
        let Some(snapshot) = history.one(|event| event.action == Action::Snapshot && event.rev > 2)
        else {
            return false;
        };
        let event = history.events[snapshot];
        history.events.insert(
            snapshot + 1,
            Event {
                rev: event.rev - 1,
                ..event
            },
        );
        // The entry in between comes a second time and is in place then.
        let last = history.events.iter().find(|other| {
            is_applied(other) && (other.thread, other.rev) == (event.thread, event.rev)
        });
        let Some(last) = last.copied() else {
            return false;
        };
        history.events.insert(
            snapshot + 2,
            Event {
                session: event.session,
                ..last
            },
        );
        true
    });
}

#[test]
fn an_entry_is_hidden_from_somebody_who_may_see_it() {
    caught(&[Invariant::S7], |history| {
        let Some(apply) = history.one(is_applied) else {
            return false;
        };
        let event = history.events[apply];
        history.events[apply] = Event {
            session: event.session,
            thread: event.thread,
            rev: event.rev,
            ..Event::at(event.time, Kind::Apply, Action::Hidden)
        };
        true
    });
}

/// Somebody was out of a thread before what they saw last.
fn leave_earlier(history: &mut History) -> bool {
    let is_last = |event: &Event| {
        let is_more = |other: &Event| {
            other.action == Action::Joined
                && (other.user, other.thread) == (event.user, event.thread)
                && other.rev == event.rev + 1
        };
        event.action == Action::Gone && event.rev > 2 && !history.events.iter().any(is_more)
    };
    let Some(gone) = history.one(is_last) else {
        return false;
    };
    history.events[gone].rev -= 1;
    true
}

#[test]
fn somebody_sees_what_came_after_they_were_removed() {
    caught(&[Invariant::S8], leave_earlier);
}

#[test]
fn a_removal_is_forgotten() {
    caught(&[Invariant::S8], |history| {
        let Some(removal) =
            history.one(|event| event.kind == Kind::Ok && event.action == Action::Remove)
        else {
            return false;
        };
        let removal = history.events[removal];
        let person = history.invoke_of(removal.key).version;
        // Who was hidden from something would show it as well.
        let is_out_long = history
            .events
            .iter()
            .any(|event| event.action == Action::Hidden);
        history.events.retain(|event| {
            let is_theirs = (event.user, event.thread) == (person, removal.thread);
            let is_move =
                event.action == Action::Gone || event.action == Action::Joined && event.rev > 1;
            event.kind != Kind::Final || !is_theirs || !is_move
        });
        // The person never went, and goes on to the end.
        let head = history.head(removal.thread);
        let sessions: Vec<_> = history
            .events
            .iter()
            .filter(|event| event.kind == Kind::Session && event.user == person)
            .map(|event| event.session)
            .collect();
        let is_behind = |event: &Event| {
            let is_theirs = event.thread == removal.thread && sessions.contains(&event.session);
            event.action == Action::Cursor && is_theirs && event.rev != head.rev
        };
        history.events.retain(|event| !is_behind(event));
        !is_out_long
    });
}

#[test]
fn a_stranger_is_given_a_thread() {
    caught(&[Invariant::S8], |history| {
        let is_person = |event: &Event| event.user == 2 && event.thread == 1;
        history.events.retain(|event| {
            !(is_person(event) && matches!(event.action, Action::Joined | Action::Gone))
        });
        true
    });
}

#[test]
fn something_reaches_a_device_before_its_person_came_in() {
    caught(&[Invariant::S8], |history| {
        let is_return = |event: &Event| {
            event.action == Action::Joined && event.rev > 3 && {
                let was_out = |other: &Event| {
                    other.action == Action::Gone
                        && (other.user, other.thread) == (event.user, event.thread)
                        && other.rev + 2 < event.rev
                };
                history.events.iter().any(was_out)
            }
        };
        let Some(joined) = history.one(is_return) else {
            return false;
        };
        let joined = history.events[joined];
        let session = history
            .events
            .iter()
            .find(|event| event.kind == Kind::Session && event.user == joined.user);
        let Some(session) = session.map(|event| event.session) else {
            return false;
        };
        let hidden = history.events.iter().find(|event| {
            event.kind == Kind::Final
                && event.action.is_entry()
                && event.thread == joined.thread
                && event.rev + 1 == joined.rev
        });
        let Some(hidden) = hidden.copied() else {
            return false;
        };
        history.insert_at_end(&[Event {
            kind: Kind::Wire,
            session,
            ..hidden
        }]);
        true
    });
}

#[test]
fn a_read_position_goes_back() {
    caught(&[Invariant::S11], |history| {
        let is_position = |event: &Event| {
            event.kind == Kind::Apply && event.action == Action::Position && event.seq > 1
        };
        let Some(position) = history.one(is_position) else {
            return false;
        };
        let event = history.events[position];
        history.events.insert(
            position + 1,
            Event {
                seq: event.seq - 1,
                ..event
            },
        );
        true
    });
}

#[test]
fn a_read_position_is_forgotten() {
    caught(&[Invariant::S11], |history| {
        let is_position = |event: &Event| {
            event.kind == Kind::Final && event.action == Action::Position && event.seq > 0
        };
        let Some(position) = history.one(is_position) else {
            return false;
        };
        history.events[position].seq -= 1;
        true
    });
}

#[test]
fn a_device_says_that_it_came_further_than_it_did() {
    caught(&[Invariant::S7], |history| {
        let Some(cursor) = history.one(|event| event.action == Action::Cursor) else {
            return false;
        };
        history.events[cursor].rev += 1;
        true
    });
}

#[test]
fn what_comes_too_late_is_told_once() {
    let mut history = History::new(1);
    let apply = one_with_next(&history).expect("a device applies two entries in a row");
    history.events.swap(apply, apply + 1);
    let report = check_events(&history.in_order(), Options::expecting(vec![]));
    assert_eq!(report.counts[&Invariant::S7], 1);
    assert!(report.to_string().contains("applies too late"), "{report}");
}
