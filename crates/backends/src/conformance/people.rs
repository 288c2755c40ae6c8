//! Handles, and finding people.

use semel_core::{
    Changes, Key,
    actions::{ChangeHandle, FindPerson, Outcome, SoughtBy, sign_in::Budget},
    people::{FindabilityRow, HandleRow},
    plain::PlainKey,
    ports::Ledger,
};
use semel_protocol::{
    Code, Timestamp, UserId,
    limits::{HANDLE_CHANGES_PER_MONTH_MAX, HANDLE_KEPT_DAYS},
    user::FoundBy,
};

use super::{
    Engine, load,
    world::{command, people, user},
};

const DAY_MS: i64 = 86_400_000;

async fn take(ledger: &dyn Ledger, who: &str, handle: Option<&str>) -> Result<(), Code> {
    let action = ChangeHandle {
        handle: handle.map(str::to_owned),
    };
    let reply = ledger.submit(command(who, action)).await;
    let result = reply.expect("the ledger answers").result;
    match result.expect("not a replay") {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.code),
    }
}

async fn find(
    ledger: &dyn Ledger,
    who: &str,
    handle: &str,
    max: u64,
) -> Result<Option<UserId>, Code> {
    let action = FindPerson {
        by: SoughtBy::Handle(handle.to_owned()),
        budgets: vec![Budget {
            name: format!("finds of {who}"),
            max,
            period_ms: DAY_MS,
        }],
    };
    let reply = ledger.submit(command(who, action)).await;
    match reply.expect("the ledger answers").result {
        Some(Ok(Outcome::Found(found))) => Ok(found.map(|found| found.0)),
        Some(Err(refusal)) => {
            assert!(refusal.retry_after_ms.is_some());
            Err(refusal.code)
        }
        other => panic!("{other:?} is no answer to looking for somebody"),
    }
}

pub(crate) async fn rows_of_finding_people_come_back_and_go<E: Engine>(mut engine: E) {
    let mut changes = Changes::default();
    let handle = HandleRow {
        user_id: user("ann"),
        created_at: Timestamp(1),
        expires_at: Some(Timestamp(2)),
    };
    let findability = FindabilityRow {
        handle: FoundBy::Nobody,
        phone: FoundBy::Contacts,
        email: FoundBy::Everybody,
    };
    changes
        .handles
        .push(("ann_1".to_owned(), Some(handle.clone())));
    changes.findability.push((user("ann"), Some(findability)));
    engine.store(&changes);
    engine.reopen().await;
    let keys = [
        PlainKey::Handle("ann_1".to_owned()),
        PlainKey::Handle("ann_2".to_owned()),
        PlainKey::Findability(user("ann")),
        PlainKey::Findability(user("bob")),
    ]
    .map(Key::Plain);
    let rows = load(engine.ledger().as_ref(), &[Key::Many(keys.into())]).await;
    let handles = ["ann_1", "ann_2"].map(|name| rows.handles.get(&name.to_owned()));
    assert_eq!(handles, [Some(Some(&handle)), Some(None)]);
    let found = ["ann", "bob"].map(|name| rows.findability.get(&user(name)));
    assert_eq!(found, [Some(Some(&findability)), Some(None)]);
    engine.ledger().close().await;
}

pub(crate) async fn of_many_who_want_one_handle_one_gets_it<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    let names: Vec<String> = (0..20).map(|number| format!("person {number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    people(ledger.as_ref(), &all).await;
    let tasks: Vec<_> = names
        .into_iter()
        .map(|name| {
            let ledger = engine.ledger();
            tokio::spawn(async move { (take(ledger.as_ref(), &name, Some("dear")).await, name) })
        })
        .collect();
    let (mut winners, mut others) = (Vec::new(), 0);
    for task in tasks {
        match task.await.expect("no panic") {
            (Ok(()), name) => winners.push(name),
            (Err(code), _) => {
                assert_eq!(code, Code::HandleTaken);
                others += 1;
            }
        }
    }
    assert_eq!((winners.len(), others), (1, 19));
    let found = find(ledger.as_ref(), "person 0", "dear", 9).await;
    assert_eq!(found, Ok(Some(user(&winners[0]))));
    ledger.close().await;
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn a_handle_that_was_given_up_is_kept_and_then_free<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    let ledger = ledger.as_ref();
    people(ledger, &["ann", "bob"]).await;
    take(ledger, "ann", Some("first")).await.expect("taken");
    take(ledger, "ann", Some("second")).await.expect("taken");
    assert_eq!(find(ledger, "bob", "first", 9).await, Ok(None));
    let refused = take(ledger, "bob", Some("first")).await;
    assert_eq!(refused, Err(Code::HandleTaken));
    // Its last person may have it back, until they have changed too often.
    assert_eq!(HANDLE_CHANGES_PER_MONTH_MAX, 3);
    take(ledger, "ann", Some("first")).await.expect("taken");
    let refused = take(ledger, "ann", Some("third")).await;
    assert_eq!(refused, Err(Code::RateLimited));
    take(ledger, "ann", None).await.expect("given up");
    let clock = &engine.world().clock;
    clock.advance(HANDLE_KEPT_DAYS * DAY_MS - 1);
    let refused = take(ledger, "bob", Some("first")).await;
    assert_eq!(refused, Err(Code::HandleTaken));
    clock.advance(1);
    take(ledger, "bob", Some("first"))
        .await
        .expect("it is free");
    let found = find(ledger, "ann", "first", 9).await;
    assert_eq!(found, Ok(Some(user("bob"))));
    ledger.close().await;
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn looking_is_counted_over_a_restart<E: Engine>(mut engine: E) {
    people(engine.ledger().as_ref(), &["ann"]).await;
    for _ in 0..2 {
        let found = find(engine.ledger().as_ref(), "ann", "nobody", 3).await;
        assert_eq!(found, Ok(None));
    }
    engine.reopen().await;
    let ledger = engine.ledger();
    assert_eq!(find(ledger.as_ref(), "ann", "nobody", 3).await, Ok(None));
    let refused = find(ledger.as_ref(), "ann", "nobody", 3).await;
    assert_eq!(refused, Err(Code::RateLimited));
    engine.world().clock.advance(DAY_MS);
    assert_eq!(find(ledger.as_ref(), "ann", "nobody", 3).await, Ok(None));
    ledger.close().await;
}
