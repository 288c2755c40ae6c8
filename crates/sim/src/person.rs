//! People: each device has somebody who writes, changes, reads and comes and goes.

use std::{sync::Arc, time::Duration};

use semel_check::{Action, TIMED_OUT};
use semel_client::{ApiError, Destination, percent_encoded};
use semel_load::record::Change;
use semel_protocol::{
    ClientId, ThreadId, UserId, entry::EntryPage, message::MessagePage, thread::ThreadType,
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    calls::{Caller, Own},
    device::{Device, Shown},
    dice::Dice,
    world::{Reserved, World},
};

/// Somebody does something after a pause of up to this.
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// Groups of a run, besides the direct thread.
const GROUPS: (usize, usize) = (1, 3);
/// How often, and how soon again, somebody tries to make a thread with people who are not there yet.
const MAKE_ATTEMPTS: usize = 20;
const MAKE_PAUSE: Duration = Duration::from_millis(500);
const EMOJI: [&str; 4] = ["👍", "🎉", "❤️", "😀"];

/// Everybody does what they do, at the same time, until all of it is done.
pub(crate) async fn everybody(
    world: &Arc<World>,
    devices: &[Arc<Device>],
    operations: usize,
    mut plan: Dice,
) {
    let mut work = JoinSet::new();
    make_threads(world, &mut work, &mut plan);
    for (number, device) in devices.iter().enumerate() {
        let share = operations / devices.len() + usize::from(number < operations % devices.len());
        let person = Person {
            caller: Arc::new(Caller::new(world, &device.who)),
            device: device.clone(),
            dice: Dice::new(plan.roll(), number as u64),
            said: 0,
        };
        work.spawn(person.live(share));
    }
    while work.join_next().await.is_some() {}
}

/// The same direct thread from both sides at once, and groups.
fn make_threads(world: &Arc<World>, work: &mut JoinSet<()>, plan: &mut Dice) {
    let pair = &world.people[..2];
    for (who, other) in [(0, 1), (1, 0)] {
        let caller = Caller::new(world, &pair[who]);
        let body = json!({ "participants": [pair[other]], "thread_type": "direct" });
        work.spawn(make_thread(caller, body, pair.to_vec(), plan.wide()));
    }
    for _ in 0..plan.between(GROUPS.0, GROUPS.1) {
        let mut people = world.people.clone();
        while people.len() > 2 && plan.chance(300) {
            people.remove(plan.below(people.len()));
        }
        let Some(maker) = plan.pick(&people).cloned() else {
            continue;
        };
        let caller = Caller::new(world, &maker);
        let body = json!({
            "participants": people,
            "thread_type": "group",
            "distinct": plan.chance(500),
        });
        work.spawn(make_thread(caller, body, Vec::new(), plan.wide()));
    }
}

async fn make_thread(caller: Caller, body: Value, owners: Vec<UserId>, key: u128) {
    for attempt in 0..MAKE_ATTEMPTS {
        let key = format!("{key:032x}-{attempt}");
        let change = Change {
            action: Action::Create,
            idempotency_key: Some(&key),
            ..Change::default()
        };
        let at = ("POST", "/api/chat/create-or-get");
        let made = caller
            .change(&change, Own::IfCreated, at, Some(&body))
            .await;
        let Some(data) = made else {
            // Somebody has not come for the first time yet.
            sleep(MAKE_PAUSE).await;
            continue;
        };
        let thread = data["thread"]["id"].as_str().and_then(|it| it.parse().ok());
        let Some(thread) = thread else { return };
        caller.world.shared().threads.insert(thread);
        if !owners.is_empty() {
            let epoch = data["thread"]["epoch"].as_u64().unwrap_or(1);
            caller.world.recorder.owner(thread, epoch, &owners);
        }
        return;
    }
}

/// Writes down that a packet with messages comes once more, if it may: what was refused might be stored by then, out of
/// the order of its device.
pub(crate) fn record_replay(world: &Arc<World>, who: &UserId, text: &str) -> Option<bool> {
    let json = text.trim_start_matches("42");
    let Ok(Value::Array(event)) = serde_json::from_str(json) else {
        return Some(false);
    };
    let body = &event[1];
    let thread = body["thread_id"].as_str().and_then(|it| it.parse().ok());
    let items = body["messages"].as_array().cloned();
    let items = items.unwrap_or_else(|| vec![body.clone()]);
    let ids: Vec<Option<ClientId>> = items
        .iter()
        .map(|item| item["client_id"].as_str().and_then(|it| it.parse().ok()))
        .collect();
    for id in ids.iter().flatten() {
        let is_stored = world.shared().settled.get(id).copied()?;
        if !is_stored {
            return Some(false);
        }
    }
    let calls = world.recorder.calls(who);
    for (item, client_id) in items.iter().zip(ids) {
        let content = item["content"].as_str();
        let change = Change {
            action: Action::Send,
            thread,
            client_id,
            content: content.or(item["message_content"].as_str()),
            ..Change::default()
        };
        calls.begin(&change).unknown(TIMED_OUT);
    }
    Some(true)
}

struct Person {
    caller: Arc<Caller>,
    device: Arc<Device>,
    dice: Dice,
    said: u64,
}

/// A message that somebody wants to change.
struct Target {
    thread: ThreadId,
    seq: u64,
    message: Shown,
    _reserved: Reserved,
}

impl Person {
    fn world(&self) -> &Arc<World> {
        &self.caller.world
    }

    async fn live(mut self, operations: usize) {
        for _ in 0..operations {
            sleep(self.dice.time(PAUSE_MAX)).await;
            self.world()
                .operations
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.act().await;
        }
    }

    async fn act(&mut self) {
        match self.dice.below(100) {
            0..45 => self.send(),
            45..50 => self.send_to_people(),
            50..58 => self.send_over_http().await,
            58..65 => self.edit().await,
            65..69 => self.delete().await,
            69..77 => self.react().await,
            77..83 => self.mark().await,
            83..88 => self.read().await,
            88..92 => self.add().await,
            92..95 => self.remove().await,
            95..97 => self.leave().await,
            97..98 => self.title().await,
            _ => {
                for _ in 0..self.dice.between(2, 6) {
                    self.send();
                }
            }
        }
    }

    /// Words that nobody has said before.
    fn words(&mut self) -> String {
        self.said += 1;
        let filler = "la ".repeat(self.dice.below(20));
        format!("{} says {filler}{}", self.device.name, self.said)
    }

    fn key(&mut self) -> String {
        format!("{:032x}", self.dice.wide())
    }

    fn a_thread(&mut self) -> Option<ThreadId> {
        let threads: Vec<ThreadId> = self.device.screens().into_keys().collect();
        self.dice.pick(&threads).copied()
    }

    fn a_message(&mut self, is_own: bool) -> Option<Target> {
        let screens = self.device.screens();
        let threads: Vec<_> = screens.iter().collect();
        let (thread, screen) = self.dice.pick(&threads)?;
        let who = &self.caller.who;
        let fits = |message: &Shown| message.is_text && (!is_own || message.sender == *who);
        let messages: Vec<_> = screen.messages.iter().filter(|(_, it)| fits(it)).collect();
        let (seq, message) = self.dice.pick(&messages)?;
        let reserved = self.world().reserve(format!("message {}", message.id))?;
        Some(Target {
            thread: **thread,
            seq: **seq,
            message: (*message).clone(),
            _reserved: reserved,
        })
    }

    fn send(&mut self) {
        let words = self.words();
        if let Some(thread) = self.a_thread() {
            self.device.send(Destination::Thread(thread), words);
        }
    }

    fn send_to_people(&mut self) {
        let people = self.world().people.clone();
        let others: Vec<UserId> = people
            .into_iter()
            .filter(|who| *who != self.caller.who)
            .collect();
        let words = self.words();
        let Some(other) = self.dice.pick(&others).cloned() else {
            return;
        };
        let (participants, thread_type) = if self.dice.chance(600) || others.len() < 2 {
            (vec![other], ThreadType::Direct)
        } else {
            (others, ThreadType::Group)
        };
        let destination = Destination::People {
            participants,
            thread_type,
        };
        self.device.send(destination, words);
    }

    async fn send_over_http(&mut self) {
        let (words, key) = (self.words(), self.key());
        let Some(thread) = self.a_thread() else {
            return;
        };
        let client_id: ClientId = self.device.new_client_id();
        let body = json!({ "client_id": client_id, "content": words });
        let has_key = self.dice.chance(700);
        let change = Change {
            action: Action::Send,
            thread: Some(thread),
            client_id: Some(client_id),
            idempotency_key: has_key.then_some(&key),
            content: Some(&words),
            ..Change::default()
        };
        let path = format!("/api/chat/threads/{thread}/messages");
        let times = 1 + usize::from(self.dice.chance(150));
        for _ in 0..times {
            let at = ("POST", &*path);
            self.caller
                .change(&change, Own::Untold, at, Some(&body))
                .await;
        }
    }

    async fn edit(&mut self) {
        let (words, key) = (self.words(), self.key());
        let Some(target) = self.a_message(true) else {
            return;
        };
        let change = Change {
            content: Some(&words),
            ..about(Action::Edit, &target, &key)
        };
        let body = json!({ "content": words });
        let at = ("PATCH", &*path_of(&target));
        self.twice(&change, Own::OfMessage, at, Some(&body)).await;
    }

    async fn delete(&mut self) {
        let key = self.key();
        let Some(target) = self.a_message(true) else {
            return;
        };
        let change = about(Action::Delete, &target, &key);
        let at = ("DELETE", &*path_of(&target));
        self.twice(&change, Own::OfMessage, at, None).await;
    }

    async fn react(&mut self) {
        let key = self.key();
        let Some(target) = self.a_message(false) else {
            return;
        };
        let Some(emoji) = self.dice.pick(&EMOJI) else {
            return;
        };
        let mine = format!("{} {} {emoji}", self.caller.who, target.message.id);
        let is_new = self.world().shared().reactions.insert(mine.clone());
        let path = format!("{}/reactions/{}", path_of(&target), percent_encoded(emoji));
        if is_new {
            let change = about(Action::React, &target, &key);
            self.twice(&change, Own::OfMessage, ("PUT", &path), None)
                .await;
        } else {
            self.world().shared().reactions.remove(&mine);
            let change = about(Action::Unreact, &target, &key);
            self.twice(&change, Own::Untold, ("DELETE", &path), None)
                .await;
        }
    }

    async fn mark(&mut self) {
        let key = self.key();
        let Some(thread) = self.a_thread() else {
            return;
        };
        let last = self.device.screens().remove(&thread);
        let last = last.and_then(|screen| screen.messages.keys().last().copied());
        let seq = self.dice.below(last.unwrap_or(0) as usize + 1) as u64;
        let change = Change {
            action: Action::Mark,
            thread: Some(thread),
            seq,
            idempotency_key: Some(&key),
            ..Change::default()
        };
        let path = format!("/api/chat/threads/{thread}/read");
        let body = json!({ "seq": seq });
        self.twice(&change, Own::Untold, ("POST", &path), Some(&body))
            .await;
    }

    async fn read(&mut self) {
        let Some(thread) = self.a_thread() else {
            return;
        };
        let by_rev = self.dice.chance(500);
        let (action, path) = if by_rev {
            let path = format!("/api/chat/threads/{thread}/entries?after_rev=0&limit=500");
            (Action::ReadEntries, path)
        } else {
            let path = format!("/api/chat/threads/{thread}/messages?limit=50");
            (Action::ReadMessages, path)
        };
        let open = self.caller.record().begin_read(action, thread, true);
        let failed = if by_rev {
            match self.caller.get::<EntryPage>(&path).await {
                // Another page would have to be read for it to reach the head.
                Ok(page) if page.more || page.too_old => return open.unknown(0),
                Ok(page) => return open.read_entries(&page.entries, page.head_rev),
                Err(error) => error,
            }
        } else {
            match self.caller.get::<MessagePage>(&path).await {
                Ok(page) => {
                    return open.read_messages(
                        &page.messages,
                        page.epoch,
                        page.from_seq,
                        page.to_seq,
                    );
                }
                Err(error) => error,
            }
        };
        match failed {
            Some(ApiError::Refused(problem)) => open.refused(&problem, 0),
            _ => open.unknown(TIMED_OUT),
        }
    }

    fn a_group(&mut self) -> Option<(ThreadId, Reserved)> {
        let thread = self.a_thread()?;
        let reserved = self.world().reserve(format!("thread {thread}"))?;
        Some((thread, reserved))
    }

    async fn add(&mut self) {
        let key = self.key();
        let Some((thread, _reserved)) = self.a_group() else {
            return;
        };
        let people = self.world().people.clone();
        let Some(person) = self.dice.pick(&people).cloned() else {
            return;
        };
        let change = Change {
            action: Action::Add,
            thread: Some(thread),
            person: Some(&person),
            idempotency_key: Some(&key),
            ..Change::default()
        };
        let body = json!({ "new_participants": [person], "on_conflict": "keep_separate" });
        let path = format!("/api/chat/threads/{thread}/expand");
        self.twice(&change, Own::IfAdded, ("POST", &path), Some(&body))
            .await;
    }

    async fn remove(&mut self) {
        let key = self.key();
        let Some((thread, _reserved)) = self.a_group() else {
            return;
        };
        let people = self.world().people.clone();
        let Some(person) = self.dice.pick(&people).cloned() else {
            return;
        };
        let change = Change {
            action: Action::Remove,
            thread: Some(thread),
            person: Some(&person),
            idempotency_key: Some(&key),
            ..Change::default()
        };
        let path =
            format!("/api/chat/threads/{thread}/participants/{person}?on_conflict=keep_separate");
        self.may_promote(thread, &key);
        self.twice(&change, Own::Untold, ("DELETE", &path), None)
            .await;
    }

    async fn leave(&mut self) {
        let key = self.key();
        let Some((thread, _reserved)) = self.a_group() else {
            return;
        };
        let change = Change {
            action: Action::Leave,
            thread: Some(thread),
            idempotency_key: Some(&key),
            ..Change::default()
        };
        self.may_promote(thread, &key);
        let path = format!("/api/chat/threads/{thread}/leave");
        self.twice(&change, Own::Untold, ("POST", &path), None)
            .await;
    }

    /// When the last admin goes, somebody else becomes one: the same request may do that as well.
    fn may_promote(&self, thread: ThreadId, key: &str) {
        let key = format!("{key} promotes");
        let change = Change {
            action: Action::Role,
            thread: Some(thread),
            idempotency_key: Some(&key),
            ..Change::default()
        };
        self.caller.record().begin(&change).unknown(TIMED_OUT);
    }

    async fn title(&mut self) {
        let (words, key) = (self.words(), self.key());
        let Some((thread, _reserved)) = self.a_group() else {
            return;
        };
        let change = Change {
            action: Action::Title,
            thread: Some(thread),
            content: Some(&words),
            idempotency_key: Some(&key),
            ..Change::default()
        };
        let body = json!({ "title": words });
        let path = format!("/api/chat/threads/{thread}");
        self.twice(&change, Own::OfThread, ("PATCH", &path), Some(&body))
            .await;
    }

    /// Asks for a change, and sometimes once more with the same key.
    async fn twice(
        &mut self,
        change: &Change<'_>,
        own: Own,
        at: (&'static str, &str),
        body: Option<&Value>,
    ) {
        self.caller.change(change, own, at, body).await;
        if self.dice.chance(150) {
            self.caller.change(change, own, at, body).await;
        }
    }
}

fn about<'a>(action: Action, target: &Target, key: &'a str) -> Change<'a> {
    Change {
        action,
        thread: Some(target.thread),
        seq: target.seq,
        idempotency_key: Some(key),
        ..Change::default()
    }
}

fn path_of(target: &Target) -> String {
    format!(
        "/api/chat/threads/{}/messages/{}",
        target.thread, target.message.id
    )
}
