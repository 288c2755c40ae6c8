//! Who knows whom, and what is left of whom nobody is to know any more.

use semel_core::{
    Command, Key, Rows,
    actions::{AddPicture, ChangeHandle, ChangeThread, Leave, NewSettings, Outcome, UpsertUser},
    pictures::PictureForm,
    plain::PlainKey,
    ports::Ledger,
    rows::List,
};
use semel_protocol::{PictureId, Timestamp, picture};

use super::{
    Engine,
    erasure::{erases_themselves, step},
    load,
    world::{command, done, group, keyed, pair, people, thread_of, user},
};

/// More than are erased at once.
const MANY: u64 = 130;

async fn list(ledger: &dyn Ledger, key: Key) -> List {
    let rows = load(ledger, std::slice::from_ref(&key)).await;
    rows.lists[&key].clone()
}

async fn plain(ledger: &dyn Ledger, key: PlainKey) -> Vec<PlainKey> {
    match list(ledger, Key::Plain(key)).await {
        List::Plain(keys) => keys,
        other => panic!("{other:?}"),
    }
}

async fn are_together(ledger: &dyn Ledger, one: &str, other: &str) -> bool {
    match list(ledger, Key::Together(user(one), user(other))).await {
        List::Seats(threads) => !threads.is_empty(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn who_is_in_a_thread_with_whom_is_found(engine: impl Engine) {
    let ledger = engine.ledger();
    pair(&*ledger, "ann", "bob").await;
    people(&*ledger, &["cyd", "dee"]).await;
    let id = thread_of(&done(ledger.submit(group("ann", &["cyd", "dee"])).await));
    for (one, other, expected) in [
        ("ann", "bob", true),
        ("bob", "ann", true),
        ("cyd", "dee", true),
        ("bob", "cyd", false),
        ("ann", "nobody", false),
        ("nobody", "ann", false),
    ] {
        let found = are_together(&*ledger, one, other).await;
        assert_eq!(found, expected, "{one} {other}");
    }
    done(ledger.submit(command("cyd", Leave { thread_id: id })).await);
    for other in ["ann", "dee"] {
        assert!(!are_together(&*ledger, "cyd", other).await);
        assert!(!are_together(&*ledger, other, "cyd").await);
    }
}

fn profile(number: u64, picture: Option<PictureId>) -> Command {
    let action = UpsertUser {
        user_id: user("ann"),
        display_name: Some(format!("Ann {number}")),
        about: None,
        picture: picture.map(picture::address),
        only_if_absent: false,
        outside_picture: false,
    };
    keyed(&format!("key-{number}"), command("ann", action))
}

async fn upload(ledger: &dyn Ledger, actor: &str, bytes: &[u8]) -> PictureId {
    let action = AddPicture {
        form: PictureForm::Jpeg,
        bytes: bytes.into(),
        width: 1,
        height: 1,
    };
    match done(ledger.submit(command(actor, action)).await) {
        Outcome::Picture { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

async fn take_handle(ledger: &dyn Ledger, handle: &str) {
    let handle = Some(handle.to_owned());
    done(ledger.submit(command("ann", ChangeHandle { handle })).await);
}

fn pictures(ids: &[PictureId]) -> Vec<Key> {
    let both = |id: &PictureId| [PlainKey::Picture(*id), PlainKey::PictureBytes(*id)];
    ids.iter().flat_map(both).map(Key::Plain).collect()
}

fn is_there(rows: &Rows, id: PictureId) -> bool {
    let row = rows.pictures.get(&id).expect("it was asked for").is_some();
    let bytes = rows.picture_bytes.get(&id).expect("it was asked for");
    assert_eq!(row, bytes.is_some());
    row
}

pub(crate) async fn p_erase_5_what_was_answered_shown_and_given_up_goes<E: Engine>(mut engine: E) {
    let ledger = engine.ledger();
    pair(&*ledger, "ann", "bob").await;
    let id = thread_of(&done(ledger.submit(group("ann", &["bob"])).await));
    for handle in ["ann_first", "ann_smith"] {
        take_handle(&*ledger, handle).await;
    }
    let shown = upload(&*ledger, "ann", b"shown").await;
    let earlier = upload(&*ledger, "ann", b"earlier").await;
    let of_group = upload(&*ledger, "ann", b"of the group").await;
    let of_bob = upload(&*ledger, "bob", b"of Bob").await;
    done(ledger.submit(profile(0, Some(earlier))).await);
    done(ledger.submit(profile(1, Some(shown))).await);
    for number in 2..MANY {
        done(ledger.submit(profile(number, None)).await);
    }
    let change = ChangeThread {
        thread_id: id,
        title: None,
        description: None,
        picture: Some(picture::address(of_group)),
        settings: NewSettings::default(),
    };
    done(ledger.submit(command("ann", change)).await);

    done(ledger.submit(erases_themselves("ann")).await);
    // What others were shown goes with the profile, in the same step.
    let rows = load(&*ledger, &pictures(&[shown])).await;
    assert!(!is_there(&rows, shown));
    assert!(
        plain(&*ledger, PlainKey::HandlesOf(user("ann")))
            .await
            .is_empty()
    );
    let handle = Some("ann_first".to_owned());
    done(ledger.submit(command("bob", ChangeHandle { handle })).await);
    ledger.close().await;
    drop(ledger);
    let mut steps = 0;
    loop {
        engine.crash().await;
        match step(&*engine.ledger()).await {
            Some(is_taken) => assert!(is_taken),
            None => break,
        }
        steps += 1;
        assert!(steps < 40, "it comes to an end");
    }
    let ledger = engine.ledger();
    let answers = list(&*ledger, Key::AnswersOf(user("ann"), 1_000)).await;
    assert!(matches!(answers, List::Answers(keys) if keys.is_empty()));
    let later = Key::AnswersBefore(Timestamp(i64::MAX), 1_000);
    let List::Answers(of_others) = list(&*ledger, later).await else {
        panic!("no list");
    };
    assert!(of_others.iter().all(|(who, _)| *who != user("ann")));
    let rows = load(&*ledger, &pictures(&[shown, earlier, of_group, of_bob])).await;
    for (id, expected) in [
        (shown, false),
        (earlier, false),
        (of_group, true),
        (of_bob, true),
    ] {
        assert_eq!(is_there(&rows, id), expected);
    }
    assert_eq!(engine.findings(), [""; 0]);
}

pub(crate) async fn p_picture_4_a_picture_is_for_who_uploaded_it(engine: impl Engine) {
    let ledger = engine.ledger();
    pair(&*ledger, "ann", "bob").await;
    let id = thread_of(&done(ledger.submit(group("bob", &["ann"])).await));
    let of_ann = upload(&*ledger, "ann", b"of Ann").await;
    done(ledger.submit(profile(0, Some(of_ann))).await);
    let picture = Some(picture::address(of_ann));
    let of_person = UpsertUser {
        user_id: user("bob"),
        display_name: None,
        about: None,
        picture: picture.clone(),
        only_if_absent: false,
        outside_picture: false,
    };
    let of_thread = ChangeThread {
        thread_id: id,
        title: None,
        description: None,
        picture,
        settings: NewSettings::default(),
    };
    for taken in [command("bob", of_person), command("bob", of_thread)] {
        let reply = ledger.submit(taken).await.expect("the ledger answers");
        let refusal = reply.result.expect("not a replay").expect_err("not theirs");
        assert_eq!(refusal.errors[0].pointer, "/picture");
    }
    let rows = load(&*ledger, &pictures(&[of_ann])).await;
    let row = rows.pictures.get(&of_ann).flatten().expect("a row");
    assert_eq!(row.uses, 1);
    assert_eq!(engine.findings(), [""; 0]);
}
