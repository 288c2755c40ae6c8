//! Telling of changed profiles: in steps, over crashes, by many servers at once.

use std::{collections::BTreeMap, sync::Arc};

use semel_core::{
    Changes, Command, Key,
    actions::{TellStep, UpsertUser},
    plain::PlainKey,
    ports::Ledger,
    queries,
    row::Subject,
    rows::List,
    telling::{TellPlace, TellingRow},
};
use semel_protocol::{ThreadId, Timestamp, UserId};

use super::{
    Engine, load,
    steps::{self, Job},
    world::{command, direct, done, group, people, user, uuid},
};

/// People of a group that makes no contacts, and more than are told at once.
const MANY: usize = 120;

async fn list(ledger: &dyn Ledger, key: Key) -> List {
    let rows = load(ledger, std::slice::from_ref(&key)).await;
    rows.lists[&key].clone()
}

fn renamed(name: &str) -> Command {
    let upsert = UpsertUser {
        user_id: user("ann"),
        display_name: Some(name.to_owned()),
        about: None,
        picture: None,
        only_if_absent: false,
        outside_picture: false,
    };
    command("ann", upsert)
}

/// One step; none when there is nothing to tell.
async fn step(ledger: &dyn Ledger) -> Option<bool> {
    let job = Job {
        due: queries::telling::due,
        place: queries::telling::place,
        next: queries::telling::next,
        step: |user_id, (from, to), people| {
            let step = TellStep {
                user_id,
                from,
                to,
                people,
            };
            step.into()
        },
    };
    steps::step(ledger, job).await
}

/// Ann shares a group with many who are no contacts, a direct thread with Bob, and nothing with Zoe: all but Zoe.
async fn ann_among_many(ledger: &dyn Ledger) -> Vec<UserId> {
    let many: Vec<String> = (0..MANY).map(|number| format!("p{number:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    people(ledger, &["ann", "bob", "zoe"]).await;
    people(ledger, &many).await;
    done(ledger.submit(group("ann", &many)).await);
    done(ledger.submit(direct("ann", "bob")).await);
    let told = ["ann", "bob"].iter().chain(&many);
    told.map(|who| user(who)).collect()
}

/// The numbers of the lines about Ann in the own logs of some people.
async fn lines(ledger: &dyn Ledger, people: &[UserId]) -> BTreeMap<UserId, (u64, usize)> {
    let mut found = BTreeMap::new();
    for who in people {
        let log = list(ledger, Key::PersonLog(who.clone(), 0, usize::MAX)).await;
        let List::Subjects(log) = log else {
            panic!("{log:?}");
        };
        let about = |(number, subject): &(u64, Subject)| {
            (*subject == Subject::Profile(user("ann"))).then_some(*number)
        };
        if let Some(number) = log.iter().find_map(about) {
            found.insert(who.clone(), (number, log.len()));
        }
    }
    found
}

pub(crate) async fn rows_of_tellings_come_back_and_go<E: Engine>(mut engine: E) {
    let thread = ThreadId(uuid(1));
    let places = [
        TellPlace::START,
        TellPlace::Contacts(Some(user("zoe"))),
        TellPlace::Threads(None),
        TellPlace::Threads(Some(thread)),
        TellPlace::In(thread, 7, user("zoe")),
    ];
    let mut changes = Changes::default();
    let mut stored = Vec::new();
    for (number, place) in (0..).zip(places) {
        let who = user(&format!("person-{number}"));
        let due_at = Timestamp(10 - number);
        let row = TellingRow { place, due_at };
        changes.tellings.push((who.clone(), Some(row.clone())));
        stored.push((who, row));
    }
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let key = |who| Key::Plain(PlainKey::Telling(who));
    let keys: Vec<Key> = stored.iter().map(|(who, _)| key(who.clone())).collect();
    let rows = load(&*ledger, &keys).await;
    for (who, row) in &stored {
        assert_eq!(rows.tellings.get(who), Some(Some(row)));
    }
    let due = Key::Plain(PlainKey::TellingsDue(Timestamp(7), 10));
    let List::Plain(due) = list(&*ledger, due).await else {
        panic!("a list of keys");
    };
    let expected = ["person-4", "person-3"].map(|who| PlainKey::Telling(user(who)));
    assert_eq!(due, expected, "those that wait longest first");
    ledger.close().await;
    drop(ledger);
    let mut gone = Changes::default();
    gone.tellings.push((user("person-0"), None));
    engine.reopen().await;
    engine.store(&gone);
    let rows = load(&*engine.ledger(), &[key(user("person-0"))]).await;
    assert_eq!(rows.tellings.get(&user("person-0")), Some(None));
}

pub(crate) async fn p_profile_1_a_telling_goes_on_after_every_crash<E: Engine>(mut engine: E) {
    let people = ann_among_many(&*engine.ledger()).await;
    done(engine.ledger().submit(renamed("Ann Smith")).await);
    let mut steps = 0;
    loop {
        engine.crash().await;
        let ledger = engine.ledger();
        match step(&*ledger).await {
            Some(is_taken) => assert!(is_taken, "nobody else is at it"),
            None => break,
        }
        steps += 1;
        assert!(steps < 20, "it comes to an end");
    }
    assert!(steps > 3, "{steps}: it goes in small steps");
    let ledger = engine.ledger();
    let told = lines(&*ledger, &people).await;
    assert_eq!(told.len(), people.len(), "everybody");
    assert!(lines(&*ledger, &[user("zoe")]).await.is_empty());
    assert!(engine.findings().is_empty(), "{:?}", engine.findings());
}

pub(crate) async fn p_profile_1_many_who_tell_at_once_tell_everybody_once(engine: impl Engine) {
    let ledger = engine.ledger();
    let people = ann_among_many(&*ledger).await;
    done(ledger.submit(renamed("Ann Smith")).await);
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { while step(&*ledger).await.is_some() {} })
        })
        .collect();
    for worker in workers {
        worker.await.expect("no panic");
    }
    let told = lines(&*ledger, &people).await;
    assert_eq!(told.len(), people.len(), "everybody");
    for (who, (number, count)) in told {
        assert_eq!((number, count), (1, 1), "{who} is told once");
    }
    assert!(engine.findings().is_empty(), "{:?}", engine.findings());
}
