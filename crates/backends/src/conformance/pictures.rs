//! Pictures of people and groups.

use std::{collections::BTreeSet, sync::Arc};

use semel_core::{
    Changes, Command, Key,
    actions::{
        AddPicture, Begin, BeginErasure, ChangeThread, Outcome, UpsertUser,
        sign_in::{PruneSignIn, SignedIn},
    },
    pictures::{PictureBytesRow, PictureForm, PictureRow},
    plain::PlainKey,
    ports::{Clock, Ledger},
    rows::List,
};
use semel_protocol::{PictureId, ThreadId, Timestamp, picture};

use super::{
    Engine, load,
    world::{command, done, group, people, thread_of, user, uuid},
};

/// Calls at once.
const AT_ONCE: usize = 40;
const DAY_MS: i64 = 86_400_000;

fn row(uses: u64, expires_at: Option<i64>) -> PictureRow {
    PictureRow {
        owner_id: user("ann"),
        created_at: Timestamp(1),
        uses,
        expires_at: expires_at.map(Timestamp),
    }
}

fn shows(form: PictureForm, bytes: &[u8]) -> PictureBytesRow {
    PictureBytesRow {
        form,
        bytes: bytes.into(),
    }
}

fn id(number: u64) -> PictureId {
    PictureId(uuid(number))
}

fn keys(id: PictureId) -> [Key; 2] {
    [PlainKey::Picture(id), PlainKey::PictureBytes(id)].map(Key::Plain)
}

pub(crate) async fn rows_of_pictures_come_back_and_go<E: Engine>(mut engine: E) {
    let mut changes = Changes::default();
    let stored = [
        (
            1,
            row(2, None),
            shows(PictureForm::Jpeg, &vec![0xff; 100_000]),
        ),
        (2, row(0, Some(9)), shows(PictureForm::Png, &[0, 1])),
    ];
    for (number, row, bytes) in &stored {
        let id = id(*number);
        changes.pictures.push((id, Some(row.clone())));
        changes.picture_bytes.push((id, Some(bytes.clone())));
    }
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    for (number, row, bytes) in &stored {
        let id = id(*number);
        let rows = load(&*ledger, &keys(id)).await;
        assert_eq!(rows.pictures.get(&id), Some(Some(row)));
        assert_eq!(rows.picture_bytes.get(&id), Some(Some(bytes)));
    }
    ledger.close().await;
    drop(ledger);
    let mut gone = Changes::default();
    gone.pictures.push((id(1), None));
    gone.picture_bytes.push((id(1), None));
    engine.reopen().await;
    engine.store(&gone);
    let rows = load(&*engine.ledger(), &keys(id(1))).await;
    assert_eq!(rows.pictures.get(&id(1)), Some(None));
    assert_eq!(rows.picture_bytes.get(&id(1)), Some(None));
}

fn add(actor: &str, bytes: &[u8]) -> Command {
    let action = AddPicture {
        form: PictureForm::Jpeg,
        bytes: bytes.into(),
        width: 1,
        height: 1,
    };
    command(actor, action)
}

/// The picture, and whether it is new.
async fn added(ledger: &dyn Ledger, actor: &str, bytes: &[u8]) -> (PictureId, bool) {
    match done(ledger.submit(add(actor, bytes)).await) {
        Outcome::Picture { id, created, .. } => (id, created),
        other => panic!("{other:?}"),
    }
}

fn of_person(who: &str, picture: &str) -> Command {
    let action = UpsertUser {
        user_id: user(who),
        display_name: None,
        about: None,
        picture: Some(picture.to_owned()),
        only_if_absent: false,
        outside_picture: false,
    };
    command(who, action)
}

fn of_group(who: &str, thread_id: ThreadId, picture: &str) -> Command {
    let action = ChangeThread {
        thread_id,
        title: None,
        description: None,
        picture: Some(picture.to_owned()),
        settings: semel_core::actions::NewSettings::default(),
    };
    command(who, action)
}

fn clear_away(before: Timestamp) -> Command {
    command("system", PruneSignIn { before, limit: 100 })
}

/// How many people and groups have it; none: it is not there, nor what it shows.
async fn uses(ledger: &dyn Ledger, id: PictureId) -> Option<u64> {
    let rows = load(ledger, &keys(id)).await;
    let row = rows.pictures.get(&id).expect("it was asked for");
    let bytes = rows.picture_bytes.get(&id).expect("it was asked for");
    assert_eq!(row.is_some(), bytes.is_some());
    row.map(|row| row.uses)
}

pub(crate) async fn p_picture_2_one_picture_however_often_it_comes_at_once(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob"]).await;
    let calls: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { added(&*ledger, "ann", b"same").await })
        })
        .collect();
    let (mut ids, mut made) = (BTreeSet::new(), 0);
    for call in calls {
        let (id, created) = call.await.expect("no panic");
        ids.insert(id);
        made += u32::from(created);
    }
    assert_eq!((ids.len(), made), (1, 1));
    let (of_bob, created) = added(&*ledger, "bob", b"same").await;
    assert!(created && !ids.contains(&of_bob), "nobody learns of others");
    let (other, created) = added(&*ledger, "ann", b"other").await;
    assert!(created && !ids.contains(&other));
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn p_picture_6_a_picture_goes_when_nobody_has_it(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob"]).await;
    let thread = thread_of(&done(ledger.submit(group("ann", &["bob"])).await));
    let (id, _) = added(&*ledger, "ann", b"shown").await;
    let (other, _) = added(&*ledger, "ann", b"other").await;
    let address = picture::address(id);
    done(ledger.submit(of_person("ann", &address)).await);
    done(ledger.submit(of_person("ann", &address)).await);
    done(ledger.submit(of_group("ann", thread, &address)).await);
    assert_eq!(uses(&*ledger, id).await, Some(2));
    let now = engine.world().clock.now();
    done(ledger.submit(clear_away(Timestamp(now.0 + DAY_MS))).await);
    assert_eq!(uses(&*ledger, other).await, Some(0), "a day is not over");
    engine.world().clock.advance(DAY_MS + 1);
    let now = engine.world().clock.now();
    done(ledger.submit(clear_away(now)).await);
    assert_eq!(uses(&*ledger, other).await, None);
    assert_eq!(uses(&*ledger, id).await, Some(2));
    let (again, _) = added(&*ledger, "ann", b"other").await;
    let others = picture::address(again);
    done(ledger.submit(of_person("ann", &others)).await);
    done(ledger.submit(of_group("ann", thread, "")).await);
    assert_eq!(uses(&*ledger, id).await, Some(0));
    assert_eq!(uses(&*ledger, again).await, Some(1));
    done(ledger.submit(clear_away(now)).await);
    assert_eq!(uses(&*ledger, id).await, Some(0), "browsers may show it");
    let later = Timestamp(now.0 + DAY_MS + 1);
    done(ledger.submit(clear_away(later)).await);
    assert_eq!(uses(&*ledger, id).await, None);
    assert_eq!(uses(&*ledger, again).await, Some(1));
    let erase = BeginErasure {
        user_id: user("ann"),
        by: Begin::Themselves(None),
    };
    done(ledger.submit(command("ann", erase)).await);
    assert_eq!(uses(&*ledger, again).await, None, "nobody has it");
    assert_eq!(engine.findings(), [""; 0]);
}

/// Whoever was told that they have the picture has it.
pub(crate) async fn p_picture_6_clearing_away_against_who_takes_a_picture(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob"]).await;
    let thread = thread_of(&done(ledger.submit(group("ann", &["bob"])).await));
    for round in 0..10_u8 {
        let (id, _) = added(&*ledger, "ann", &[round]).await;
        let address = picture::address(id);
        let never = Timestamp(i64::MAX / 2);
        let calls = [
            of_person("ann", &address),
            clear_away(never),
            of_group("ann", thread, &address),
        ];
        let calls = calls.map(|call| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.submit(call).await })
        });
        let mut taken = 0;
        for call in calls {
            let reply = call.await.expect("no panic").expect("the ledger answers");
            match reply.result.expect("not a replay") {
                Ok(Outcome::User { .. } | Outcome::Changed(_)) => taken += 1,
                Ok(Outcome::SignedIn(SignedIn::Pruned(_))) => {}
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => assert_eq!(refusal.errors[0].pointer, "/picture"),
            }
        }
        let found = uses(&*ledger, id).await;
        assert_eq!(found.unwrap_or(0), taken, "round {round}: {found:?}");
        assert_eq!(engine.findings(), [""; 0], "round {round}");
    }
}

pub(crate) async fn pictures_of_a_person_are_listed(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob"]).await;
    let mut own = Vec::new();
    for bytes in [b"1", b"2", b"3"] {
        own.push(added(&*ledger, "ann", bytes).await.0);
        added(&*ledger, "bob", bytes).await;
    }
    own.sort_unstable_by_key(ToString::to_string);
    let list = async |after, limit| {
        let key = Key::Plain(PlainKey::PicturesOf(user("ann"), after, limit));
        let rows = load(&*ledger, std::slice::from_ref(&key)).await;
        match rows.lists.get(&key) {
            Some(List::Plain(found)) => found.clone(),
            other => panic!("{other:?}"),
        }
    };
    let expected: Vec<_> = own.iter().copied().map(PlainKey::Picture).collect();
    assert_eq!(list(None, 9).await, expected);
    assert_eq!(list(None, 2).await, expected[..2]);
    assert_eq!(list(Some(own[0]), 1).await, expected[1..2]);
    assert!(list(Some(own[2]), 9).await.is_empty());
}

pub(crate) async fn what_is_wrong_with_pictures_is_found<E: Engine>(mut engine: E) {
    let ledger = engine.ledger();
    people(&*ledger, &["ann"]).await;
    let (first, _) = added(&*ledger, "ann", b"1").await;
    let (second, _) = added(&*ledger, "ann", b"2").await;
    let address = picture::address(first);
    done(ledger.submit(of_person("ann", &address)).await);
    ledger.close().await;
    drop(ledger);
    let mut wrong = Changes::default();
    wrong.pictures.push((second, Some(row(7, None))));
    wrong.pictures.push((first, None));
    engine.reopen().await;
    engine.store(&wrong);
    let findings = engine.findings().join("\n");
    for words in [
        format!("picture {second}: 0 people"),
        format!("picture {first}: somebody"),
        format!("picture {first}: what it shows"),
    ] {
        assert!(findings.contains(&words), "{words} in {findings}");
    }
}
