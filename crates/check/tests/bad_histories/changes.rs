//! Changes other than sends, and idempotency keys.

use semel_check::{Action, Event, Invariant, Kind};

use crate::{
    caught, caught_with, good,
    spoil::{FRESH_KEY, History, is_view},
};

/// Two answers to one request, in order, of which the first was a success.
fn two_answers(history: &History, which: impl Fn(&Event) -> bool) -> Option<(usize, usize)> {
    let oks = history.all(|event| event.kind == Kind::Ok && which(event));
    oks.iter().find_map(|first| {
        let key = history.events[*first].key;
        let second = oks
            .iter()
            .find(|second| *second > first && history.events[**second].key == key)?;
        Some((*first, *second))
    })
}

#[test]
fn a_replay_gets_other_bytes() {
    caught(&[Invariant::S10], |history| {
        let Some((_, second)) = two_answers(history, |event| event.hash != 0) else {
            return false;
        };
        history.events[second].hash ^= 1;
        true
    });
}

#[test]
fn a_request_takes_effect_twice_and_says_so() {
    caught_with(&[Invariant::S10], &[Invariant::S1], |history| {
        let is_change =
            |event: &Event| event.action == Action::React || event.action == Action::Edit;
        let Some((_, second)) = two_answers(history, is_change) else {
            return false;
        };
        history.events[second].rev += 1;
        true
    });
}

/// The second time it found what it had done the first time, and changed nothing.
#[test]
fn a_request_that_was_answered_is_decided_again() {
    caught(&[Invariant::S10], |history| {
        let is_change = |event: &Event| event.action == Action::React && event.hash != 0;
        let Some((_, second)) = two_answers(history, is_change) else {
            return false;
        };
        history.events[second].rev = 0;
        true
    });
}

/// The message was deleted before the answer was replayed.
#[test]
fn a_replay_without_the_words_is_none_of_these() {
    good(|history| {
        let is_change = |event: &Event| event.action == Action::React && event.rev != 0;
        let Some((first, second)) = two_answers(history, is_change) else {
            return false;
        };
        let late = if history.events[first].time % 2 == 0 {
            first
        } else {
            second
        };
        (history.events[late].rev, history.events[late].hash) = (0, 0);
        true
    });
}

#[test]
fn a_request_takes_effect_twice_in_the_log() {
    caught(&[Invariant::S10], |history| {
        let is_change = |event: &Event| {
            event.kind == Kind::Ok && event.action == Action::React && event.thread == 1
        };
        let Some(ok) = history.one(is_change) else {
            return false;
        };
        let ok = history.events[ok];
        let about = (ok.thread, ok.seq, ok.user);
        let same = |event: &Event| {
            event.kind == Kind::Invoke
                && event.action == Action::React
                && (event.thread, event.seq, event.user) == about
        };
        // Once more than it was asked for.
        for _ in 0..history.all(same).len() {
            history.append(Event {
                user: ok.user,
                thread: 1,
                seq: ok.seq,
                ..Event::at(0, Kind::Final, Action::React)
            });
        }
        true
    });
}

#[test]
fn two_messages_are_accepted_under_one_idempotency_key() {
    caught(&[Invariant::S10], |history| {
        let acked = |key| {
            history
                .events
                .iter()
                .any(|event| event.kind == Kind::Ok && event.key == key)
        };
        let sends = history.all(|event| {
            event.kind == Kind::Invoke
                && event.action == Action::Send
                && event.id != 0
                && acked(event.key)
        });
        let key = |index: usize| history.events[sends[index]].key;
        let Some(other) = (1..sends.len()).find(|index| key(*index) != key(0)) else {
            return false;
        };
        let (key, id) = (key(other), history.events[sends[0]].id);
        history.change(
            |event| event.kind == Kind::Invoke && event.key == key,
            |event| event.id = id,
        ) > 0
    });
}

#[test]
fn an_acknowledged_edit_is_lost() {
    caught(&[Invariant::S1], |history| {
        let is_edit = |event: &Event| event.kind == Kind::Ok && event.action == Action::Edit;
        let Some(ok) = history.one(is_edit) else {
            return false;
        };
        let ok = history.events[ok];
        let of_send = |event: &&Event| {
            event.kind == Kind::Final && event.action == Action::Send && event.thread == ok.thread
        };
        let Some(other) = history.events.iter().find(of_send).map(|event| event.rev) else {
            return false;
        };
        history.change(
            |event| is_edit(event) && event.key == ok.key,
            |event| event.rev = other,
        ) > 0
    });
}

#[test]
fn an_edit_has_words_that_nobody_wrote() {
    caught(&[Invariant::S3], |history| {
        let is_seen = |event: &Event| {
            is_view(event)
                && event.action == Action::Edit
                && event.version == event.rev
                && event.hash != 0
        };
        let Some(edit) = history.one(is_seen) else {
            return false;
        };
        let edit = history.events[edit];
        let same = |event: &Event| {
            is_view(event) && (event.thread, event.version) == (edit.thread, edit.rev)
        };
        history.change(same, |event| event.hash ^= 1) > 0
    });
}

#[test]
fn deleted_words_come_back() {
    caught(&[Invariant::S3], |history| {
        let is_deletion =
            |event: &Event| event.kind == Kind::Final && event.action == Action::Delete;
        let Some(deletion) = history.one(is_deletion) else {
            return false;
        };
        let deletion = history.events[deletion];
        let words = history.invoke_of(deletion.key).hash;
        let same = |event: &Event| {
            is_view(event) && (event.thread, event.version) == (deletion.thread, deletion.rev)
        };
        history.change(same, |event| event.hash = words) > 0
    });
}

#[test]
fn a_refused_edit_is_there() {
    caught(&[Invariant::S4], |history| {
        let refused = |event: &Event| {
            event.kind == Kind::Fail && event.action == Action::Edit && event.thread == 1
        };
        let is_always = |fail: &Event| {
            let invoke = history.invoke_of(fail.key);
            let about = (invoke.user, invoke.seq);
            let of_key = |kind: Kind| {
                let all = history.events.iter().filter(|event| event.key == fail.key);
                all.filter(|event| event.kind == kind).count()
            };
            let others = history.events.iter().filter(|event| {
                event.kind == Kind::Invoke
                    && event.action == Action::Edit
                    && (event.thread, event.user, event.seq) == (1, about.0, about.1)
                    && event.key != fail.key
            });
            of_key(Kind::Invoke) == of_key(Kind::Fail) && others.count() == 0
        };
        let all = history.all(refused);
        let Some(fail) = all
            .into_iter()
            .find(|index| is_always(&history.events[*index]))
        else {
            return false;
        };
        let invoke = history.invoke_of(history.events[fail].key);
        history.append(Event {
            user: invoke.user,
            thread: 1,
            seq: invoke.seq,
            ..Event::at(0, Kind::Final, Action::Edit)
        });
        true
    });
}

#[test]
fn a_change_that_nobody_asked_for() {
    caught(&[Invariant::S3], |history| {
        history.append(Event {
            user: 1,
            thread: 1,
            id: 77,
            ..Event::at(0, Kind::Final, Action::Title)
        });
        true
    });
}

#[test]
fn an_acknowledged_change_of_the_title_is_lost() {
    caught(&[Invariant::S1], |history| {
        let invoke = Event {
            action: Action::Title,
            key: FRESH_KEY,
            ..history.fresh_call(Kind::Invoke)
        };
        let ok = Event {
            kind: Kind::Ok,
            rev: history.head(1).rev,
            ..invoke
        };
        history.insert_at_end(&[invoke, ok]);
        true
    });
}

#[test]
fn a_reaction_changes_the_words() {
    caught(&[Invariant::S3], |history| {
        let is_seen = |event: &Event| {
            is_view(event)
                && event.action == Action::React
                && event.version == event.rev
                && event.hash != 0
        };
        let Some(reaction) = history.one(is_seen) else {
            return false;
        };
        let reaction = history.events[reaction];
        let is_first = |event: &&Event| {
            is_view(event)
                && event.action == Action::Send
                && (event.thread, event.seq) == (reaction.thread, reaction.seq)
                && event.version == event.rev
        };
        if !history.events.iter().any(|event| is_first(&event)) {
            return false;
        }
        let same = |event: &Event| {
            is_view(event) && (event.thread, event.version) == (reaction.thread, reaction.rev)
        };
        history.change(same, |event| event.hash ^= 1) > 0
    });
}
