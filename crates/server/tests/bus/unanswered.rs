//! While the store does not answer everything: what it does answer is told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use semel_core::Key;
use semel_protocol::ThreadId;
use serde_json::{Value, json};

use super::{
    across::{NEVER, hears},
    here::{Place, Server},
    redis::Redis,
    refusing::{too_long, unreadable},
    support::{Device, client_id, until},
};

/// How often servers look in these tests.
const LOOK: Duration = Duration::from_millis(300);

/// Groups of these people, in the order of their ids.
async fn groups<const N: usize>(server: &Server, people: &[&str]) -> [String; N] {
    let mut groups = Vec::new();
    for _ in 0..N {
        groups.push(server.group(people).await);
    }
    groups.sort();
    groups.try_into().unwrap()
}

fn id(thread: &str) -> ThreadId {
    ThreadId(thread.parse().unwrap())
}

fn is_entries(key: &Key, thread: ThreadId) -> bool {
    matches!(key, Key::Entries(id, ..) if *id == thread)
}

/// As many devices of somebody: each drops what it does not wait for.
async fn devices<const N: usize>(server: &Server, who: &str) -> [Device; N] {
    let mut devices = Vec::new();
    for _ in 0..N {
        devices.push(server.device(who).await);
    }
    devices.try_into().ok().unwrap()
}

/// A device is told where a thread is.
async fn is_told_head(device: &mut Device, thread: &str, rev: u64) {
    device
        .event("heads", |told| told["heads"][thread] == rev)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_do_not_wait_for_the_question_who_may_know_that_somebody_types() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    place.keep_waiting(1);
    ann.done("typing", &json!({"thread_id": thread, "typing": true}))
        .await;
    ann.say(&thread, "what was typed").await;
    hears(&mut bob, &thread, 2..=2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_cannot_be_read_holds_up_no_other_and_its_people_are_told_where_it_is() {
    let place = Place::new(None, LOOK);
    let [one, two] = place.servers().await;
    let [first, bad, last] = groups(&one, &["ann", "bob"]).await;
    let mut ann = one.device("ann").await;
    let [mut early, mut bob, mut late] = devices(&two, "bob").await;
    for error in [unreadable(), too_long()] {
        let thread = id(&bad);
        place.refuse(move |keys| {
            let is_hit = keys.iter().any(|key| is_entries(key, thread));
            is_hit.then(|| error.clone())
        });
        let mut rev = 0;
        for group in [&first, &bad, &last] {
            rev = ann.say(group, "hello").await["rev"].as_u64().unwrap();
        }
        hears(&mut early, &first, rev..=rev).await;
        hears(&mut late, &last, rev..=rev).await;
        is_told_head(&mut bob, &bad, rev).await;
        place.answer();
        let all = [(&mut early, &first), (&mut bob, &bad), (&mut late, &last)];
        for (device, group) in all {
            ann.say(group, "and on").await;
            hears(device, group, rev + 1..=rev + 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_at_once_is_asked_for_in_smaller_portions() {
    /// Entries that the store answers in time.
    const IN_TIME: usize = 40;
    let place = Place::new(None, LOOK);
    let [one, two] = place.servers().await;
    let groups: [String; 3] = groups(&one, &["ann", "bob"]).await;
    let mut ann = one.device("ann").await;
    let devices: [Device; 3] = devices(&two, "bob").await;
    let late = Arc::new(AtomicUsize::new(0));
    let count = late.clone();
    place.refuse(move |keys| {
        let entries = keys.iter().map(|key| match key {
            Key::Entries(_, _, limit) => *limit,
            _ => 0,
        });
        let is_late = entries.sum::<usize>() > IN_TIME;
        count.fetch_add(usize::from(is_late), Ordering::SeqCst);
        is_late.then(too_long)
    });
    let message = |_| json!({"client_id": client_id(), "content": "one of many"});
    for group in &groups {
        let messages: Vec<Value> = (0..100).map(message).collect();
        let batch = json!({"thread_id": group, "messages": messages});
        ann.done("message:send", &batch).await;
    }
    for (mut device, group) in devices.into_iter().zip(&groups) {
        hears(&mut device, group, 2..=101).await;
    }
    assert!(late.load(Ordering::SeqCst) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_whose_people_stay_unknown_does_not_keep_others_in_doubt() {
    for error in [unreadable(), too_long()] {
        let place = Place::new(None, NEVER);
        let [one] = place.servers().await;
        let [bad, good] = groups(&one, &["ann", "bob"]).await;
        let (mut ann, mut bob) = (one.device("ann").await, one.device("bob").await);
        let (asked, thread) = (Arc::new(AtomicUsize::new(0)), id(&bad));
        let is_away = Arc::new(AtomicBool::new(true));
        let (count, away) = (asked.clone(), is_away.clone());
        place.refuse(move |keys| {
            count.fetch_add(1, Ordering::SeqCst);
            let is_bad = keys.contains(&Key::Roster(thread)) || keys.contains(&Key::Thread(thread));
            (away.load(Ordering::SeqCst) || is_bad).then(|| error.clone())
        });
        for group in [&bad, &good] {
            ann.say(group, "hello").await;
        }
        // Of both it is unknown who is in them.
        until("the store was asked in vain", || {
            asked.load(Ordering::SeqCst) >= 2
        })
        .await;
        is_away.store(false, Ordering::SeqCst);
        is_told_head(&mut bob, &good, 2).await;
        place.answer();
        is_told_head(&mut bob, &bad, 2).await;
    }
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_peoples_own_logs_are_told_although_the_store_did_not_answer_at_first() {
    for error in [unreadable(), too_long()] {
        let place = Place::new(None, LOOK);
        let [one, two] = place.servers().await;
        one.group(&["dan", "eve"]).await;
        let (mut dan, mut eve) = (two.device("dan").await, two.device("eve").await);
        for device in [&mut dan, &mut eve] {
            device.settle().await;
        }
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        place.refuse(move |keys| {
            let is_hit =
                |key: &Key| matches!(key, Key::PersonLog(who, ..) if who.as_str() == "dan");
            let is_hit = keys.iter().any(is_hit);
            count.fetch_add(usize::from(is_hit), Ordering::SeqCst);
            is_hit.then(|| error.clone())
        });
        one.group(&["ann", "dan", "eve"]).await;
        let is_ann = |told: &Value| told["user"]["user_id"] == "ann";
        eve.event("contact", is_ann).await;
        until("the store was asked for dan's log in vain", || {
            asked.load(Ordering::SeqCst) > 0
        })
        .await;
        place.answer();
        dan.event("contact", is_ann).await;
    }
}

/// Whoever reads somebody's list.
fn is_list_of(key: &Key, person: &str) -> bool {
    matches!(key, Key::ThreadsOf(who, ..) if who.as_str() == person)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_threads_are_found_however_many_they_are_and_whatever_moved_after_them() {
    /// More than one page of what a look reads of a list.
    const MANY: usize = 25;
    let place = Place::new(None, LOOK);
    let [one, two] = place.servers().await;
    one.group(&["ann", "bob"]).await;
    let mut ann = one.device("ann").await;
    let [mut bob, mut laptop] = devices(&two, "bob").await;
    let refuse = |keys: &[Key]| {
        let is_hit = keys.iter().any(|key| is_list_of(key, "bob"));
        is_hit.then(too_long)
    };
    place.refuse(refuse);
    let mut new = std::collections::BTreeSet::new();
    for _ in 0..MANY {
        new.insert(one.group(&["ann", "bob"]).await);
    }
    let known = new.clone();
    place.answer();
    while !new.is_empty() {
        let entry = bob.event("entry", |entry| entry["rev"] == 1).await;
        assert!(new.remove(entry["thread_id"].as_str().unwrap()));
    }
    // One more, before all others move.
    place.refuse(refuse);
    let last = one.group(&["ann", "bob"]).await;
    for thread in &known {
        ann.say(thread, "still here").await;
    }
    place.answer();
    hears(&mut laptop, &last, 1..=1).await;
}
