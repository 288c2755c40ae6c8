//! Blocks, own names and preferences.

use semel_core::{
    actions::{CreateOrGet, Expand, NameContact, Outcome, Own, SetBlock, SetPreferences},
    row::{FOREVER, PreferencesRow},
};
use semel_protocol::{
    Code, ThreadId, Timestamp, limits::NAME_CHARACTERS_MAX, requests::OnConflict,
};

use super::support::{words::person, world::World};

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
