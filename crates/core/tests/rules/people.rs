//! Blocks, own names and preferences.

use semel_core::{
    Refusal,
    actions::{
        Action, ChangeHandle, CreateOrGet, Expand, LookAtPerson, NameContact, Outcome, Own,
        SetBlock, SetPreferences,
    },
    row::{FOREVER, PreferencesRow},
};
use semel_protocol::{
    Code, ThreadId, Timestamp,
    limits::{
        HANDLE_CHANGES_PER_MONTH_MAX, HANDLE_TRIES_PER_PERSON_DAY_MAX, NAME_CHARACTERS_MAX,
        PARTICIPANTS_PER_CALL_MAX, STRANGERS_PER_PERSON_DAY_DEFAULT,
    },
    requests::OnConflict,
};

use super::support::{
    words::person,
    world::{DAY_MS, World},
};

fn block(who: &str, is_blocked: bool) -> SetBlock {
    let user_id = person(who);
    SetBlock {
        user_id,
        is_blocked,
    }
}

fn create(people: &[&str]) -> CreateOrGet {
    CreateOrGet {
        participants: people.iter().map(|who| person(who)).collect(),
        thread_type: None,
        title: None,
        distinct: true,
        client_id: None,
    }
}

fn thread(world: &mut World, by: &str, people: &[&str]) -> ThreadId {
    match world.act(by, create(people)).expect("a thread") {
        Outcome::Thread { thread, .. } => thread.thread.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn p_block_1_a_block_is_of_somebody_else_who_is_known_and_changes_nothing_twice() {
    let mut world = World::with(&["ann", "bob"]);
    let refused = world.act("ann", block("ann", true)).unwrap_err();
    assert_eq!(refused.code, Code::InvalidRequest);
    let refused = world.act("ann", block("nobody", true)).unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    world.act("ann", block("bob", true)).unwrap();
    let store = world.store.clone();
    world.act("ann", block("bob", true)).unwrap();
    assert_eq!(world.store, store);
    world.act("bob", block("ann", false)).unwrap();
    // Apart from that Bob asked after somebody.
    world.store.budgets.remove("strangers of bob");
    assert_eq!(world.store, store);
}

#[test]
fn p_block_1_threads_that_were_there_are_found_and_new_ones_are_not_made() {
    let mut world = World::with(&["ann", "bob", "cy"]);
    let direct = thread(&mut world, "bob", &["ann"]);
    let group = thread(&mut world, "bob", &["ann", "cy"]);
    world.act("ann", block("bob", true)).unwrap();
    assert_eq!(thread(&mut world, "bob", &["ann"]), direct);
    assert_eq!(thread(&mut world, "ann", &["bob"]), direct);
    assert_eq!(thread(&mut world, "bob", &["ann", "cy"]), group);
    let apart = CreateOrGet {
        distinct: false,
        ..create(&["ann", "cy"])
    };
    let refused = world.act("bob", apart.clone()).unwrap_err();
    assert_eq!(
        (refused.code, refused.user_ids),
        (Code::Unreachable, vec![person("ann")])
    );
    world.act("ann", apart).unwrap();
    let other = thread(&mut world, "bob", &["cy"]);
    let expand = Expand {
        thread_id: other,
        new_participants: vec![person("ann")],
        message_content: None,
        client_id: None,
        on_conflict: OnConflict::KeepSeparate,
    };
    assert_eq!(
        world.act("bob", expand).unwrap_err().code,
        Code::WrongThreadType
    );
}

#[test]
fn p_own_1_only_contacts_have_own_names_of_some_characters() {
    let mut world = World::with(&["ann", "bob", "cy"]);
    thread(&mut world, "ann", &["bob", "cy"]);
    let name = |who: &str, own_name: String| NameContact {
        user_id: person(who),
        own_name,
    };
    world
        .act("ann", name("bob", "ä".repeat(NAME_CHARACTERS_MAX)))
        .unwrap();
    let long = name("bob", "ä".repeat(NAME_CHARACTERS_MAX + 1));
    let refused = world.act("ann", long).unwrap_err();
    assert_eq!(refused.errors[0].pointer, "/own_name");
    let refused = world.act("ann", name("nobody", "x".into())).unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
}

#[test]
fn p_own_2_what_is_left_out_stays_and_a_muting_ends_ahead() {
    let mut world = World::with(&["ann", "bob"]);
    let thread_id = thread(&mut world, "ann", &["bob"]);
    let nothing = SetPreferences {
        thread_id,
        is_muted: None,
        muted_until: None,
        is_pinned: None,
        is_archived: None,
    };
    let mut choose = |change: SetPreferences| {
        world.act("ann", change).map(|outcome| match outcome {
            Outcome::Own(Own::Preferences { preferences, .. }) => preferences,
            other => panic!("{other:?}"),
        })
    };
    let muted = choose(SetPreferences {
        is_muted: Some(true),
        is_pinned: Some(true),
        ..nothing.clone()
    });
    let muted = muted.unwrap();
    assert_eq!(muted.muted_until, Some(FOREVER));
    assert_eq!(choose(nothing.clone()), Ok(muted));
    let until = |time: i64, is_muted| SetPreferences {
        is_muted,
        muted_until: Some(Timestamp(time)),
        ..nothing.clone()
    };
    for wrong in [
        until(1_767_225_600_000, Some(true)),
        until(i64::MAX - 1, None),
        until(i64::MAX - 1, Some(false)),
    ] {
        let refused = choose(wrong).unwrap_err();
        assert_eq!(refused.errors[0].pointer, "/muted_until");
    }
    choose(until(1_767_225_600_001, Some(true))).unwrap();
    let ended = choose(SetPreferences {
        is_muted: Some(false),
        is_pinned: Some(false),
        ..nothing.clone()
    });
    assert_eq!(ended, Ok(PreferencesRow::default()));
    assert_eq!(world.act("cy", nothing).unwrap_err().code, Code::NotFound);
}

/// Ann asks after so many who are not here, as many in a call as one may name.
fn ask_after(world: &mut World, count: u64) {
    let mut left = count;
    while left > 0 {
        let now = left.min(PARTICIPANTS_PER_CALL_MAX as u64);
        let ids: Vec<String> = (0..now).map(|number| format!("nobody-{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let refused = world
            .act("ann", create(&ids))
            .expect_err("they are not there");
        assert_eq!(refused.code, Code::UnknownUsers);
        left -= now;
    }
}

#[test]
fn p_people_4_who_goes_through_ids_is_stopped_also_where_nobody_is_there() {
    let mut world = World::with(&["ann", "bob", "cy", "dee", "eve"]);
    let group = thread(&mut world, "ann", &["bob", "cy"]);
    let look = |who: &str| LookAtPerson {
        user_id: person(who),
    };
    // Bob and Cy were two, and five more follow.
    ask_after(&mut world, STRANGERS_PER_PERSON_DAY_DEFAULT - 7);
    // Those of the group are no strangers.
    for who in ["ann", "bob", "cy"] {
        world.act("ann", look(who)).unwrap();
    }
    world.act("ann", create(&["cy"])).unwrap();
    world.act("ann", look("dee")).unwrap();
    let add = |who: &str| Expand {
        thread_id: group,
        new_participants: vec![person(who)],
        message_content: None,
        client_id: None,
        on_conflict: OnConflict::Refuse,
    };
    let last: [(Action, Code); 4] = [
        (look("nobody").into(), Code::NotFound),
        (block("nobody", true).into(), Code::NotFound),
        (add("nobody").into(), Code::UnknownUsers),
        (create(&["nobody"]).into(), Code::UnknownUsers),
    ];
    for (action, code) in last.clone() {
        assert_eq!(world.act("ann", action).unwrap_err().code, code);
    }
    let others = [
        look("dee").into(),
        create(&["eve"]).into(),
        add("eve").into(),
        block("eve", true).into(),
    ];
    for action in last.map(|(action, _)| action).into_iter().chain(others) {
        let refused = world.act("ann", action).unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        assert_eq!(refused.retry_after_ms, Some(DAY_MS as u64));
    }
    world.act("ann", create(&["bob", "cy"])).unwrap();
    world.act("ann", look("cy")).unwrap();
    world.act("bob", create(&["eve"])).unwrap();
    world.now += DAY_MS;
    world.act("ann", create(&["eve"])).unwrap();
}

#[test]
fn p_people_4_who_shares_a_group_that_makes_no_contacts_is_no_stranger() {
    let names: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::with(&[&["ann", "bob"], &names[..]].concat());
    thread(&mut world, "bob", &[&["ann"], &names[..]].concat());
    assert!(world.store.budgets.contains_key("strangers of bob"));
    for who in &names {
        let user_id = person(who);
        world.act("ann", LookAtPerson { user_id }).unwrap();
    }
    assert!(!world.store.budgets.contains_key("strangers of ann"));
}

/// What comes of taking a handle: how long to wait where it was too often.
fn take(world: &mut World, who: &str, handle: &str) -> Result<(), (Code, Option<u64>)> {
    let handle = Some(handle.to_owned());
    let taken = world.act(who, ChangeHandle { handle });
    let told = |refusal: Refusal| (refusal.code, refusal.retry_after_ms);
    taken.map(drop).map_err(told)
}

#[test]
fn p_people_1_who_tries_handles_is_stopped_also_where_they_are_somebody_elses() {
    let mut world = World::with(&["ann", "bob"]);
    take(&mut world, "ann", "taken").unwrap();
    take(&mut world, "bob", "first").unwrap();
    for _ in 1..HANDLE_TRIES_PER_PERSON_DAY_MAX {
        let refused = take(&mut world, "bob", "taken");
        assert_eq!(refused, Err((Code::HandleTaken, None)));
    }
    for handle in ["taken", "free"] {
        let refused = take(&mut world, "bob", handle);
        let wait = Some(DAY_MS as u64);
        assert_eq!(refused, Err((Code::RateLimited, wait)), "{handle}");
    }
    // The one that they have, and none, are no tries.
    take(&mut world, "bob", "first").unwrap();
    world.act("bob", ChangeHandle { handle: None }).unwrap();
    take(&mut world, "ann", "free").unwrap();
    world.now += DAY_MS;
    take(&mut world, "bob", "second").unwrap();
}

#[test]
fn p_people_1_who_has_changed_too_often_is_not_told_what_is_free() {
    let mut world = World::with(&["ann", "bob"]);
    take(&mut world, "ann", "taken").unwrap();
    for number in 0..HANDLE_CHANGES_PER_MONTH_MAX {
        // What was refused is no change.
        let refused = take(&mut world, "bob", "taken");
        assert_eq!(refused, Err((Code::HandleTaken, None)));
        take(&mut world, "bob", &format!("bob{number}")).unwrap();
    }
    for handle in ["taken", "free"] {
        let refused = take(&mut world, "bob", handle);
        let wait = Some(30 * DAY_MS as u64);
        assert_eq!(refused, Err((Code::RateLimited, wait)), "{handle}");
    }
}
