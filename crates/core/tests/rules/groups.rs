//! What the settings of a group let its people do.

use semel_core::{
    Refusal,
    actions::{Action, ChangeRole, ChangeThread, Expand, NewSettings},
    row::Fact,
};
use semel_protocol::{
    Code, ThreadId,
    thread::{Allowed, History, Role},
};

use crate::support::{
    tell::{code, id, names, seen},
    words::{create, expand, leave, people, person, remove, title},
    world::World,
};

/// What a group with these settings lets a participant and an admin do, each in a group of its own.
fn with_rights(set: NewSettings) -> (World, ThreadId) {
    let mut world = World::with(&["a", "b", "c"]);
    let group = id(world.act("a", create(&["b", "c"])));
    for name in ["d", "e"] {
        world.make_user(name);
    }
    let action = ChangeThread {
        title: None,
        settings: set,
        ..title(group, "")
    };
    world.act("a", action).expect("an admin may");
    (world, group)
}

#[test]
fn p_thread_10_settings_say_who_adds_people() {
    let adding = |allowed| NewSettings {
        adding: Some(allowed),
        ..NewSettings::default()
    };
    let (mut world, group) = with_rights(adding(Allowed::Everyone));
    assert!(world.act("b", expand(group, &["d"])).is_ok());
    for forbidden in [
        Action::from(remove(group, "c")),
        ChangeRole {
            thread_id: group,
            user_id: person("b"),
            role: Role::Admin,
        }
        .into(),
        title(group, "x").into(),
        ChangeThread {
            title: None,
            settings: NewSettings {
                history: Some(History::All),
                ..NewSettings::default()
            },
            ..title(group, "")
        }
        .into(),
    ] {
        assert_eq!(
            code(world.act("b", forbidden.clone())),
            Code::Forbidden,
            "{forbidden:?}"
        );
    }
    let (mut world, group) = with_rights(adding(Allowed::Admins));
    assert_eq!(code(world.act("b", expand(group, &["d"]))), Code::Forbidden);
    assert!(world.act("a", expand(group, &["d"])).is_ok());
}

#[test]
fn p_thread_10_who_was_taken_out_is_brought_back_by_admins_only() {
    let set = NewSettings {
        adding: Some(Allowed::Everyone),
        ..NewSettings::default()
    };
    let (mut world, group) = with_rights(set);
    world.act("a", remove(group, "c")).unwrap();
    let Err(Refusal { code, user_ids, .. }) = world.act("b", expand(group, &["c", "d"])) else {
        panic!("brought back")
    };
    assert_eq!((code, user_ids), (Code::Forbidden, people(&["c"])));
    assert_eq!(names(&seen(&world, "b", group)), ["a", "b"]);
    world.act("a", expand(group, &["c"])).unwrap();
    // Who went by themselves may be asked back by anybody.
    world.act("c", leave(group)).unwrap();
    assert!(world.act("b", expand(group, &["c"])).is_ok());
}

#[test]
fn p_thread_10_a_welcome_is_for_those_who_may_write() {
    let set = NewSettings {
        posting: Some(Allowed::Admins),
        adding: Some(Allowed::Everyone),
        ..NewSettings::default()
    };
    let (mut world, group) = with_rights(set);
    let welcome = Expand {
        message_content: Some("welcome".to_owned()),
        ..expand(group, &["d"])
    };
    let before = world.store.entries.len();
    assert_eq!(code(world.act("b", welcome)), Code::Forbidden);
    assert_eq!(world.store.entries.len(), before, "and nobody came in");
    assert!(world.act("b", expand(group, &["d"])).is_ok());
}

#[test]
fn p_thread_10_settings_say_who_names_the_group() {
    let naming = |allowed| NewSettings {
        naming: Some(allowed),
        ..NewSettings::default()
    };
    let named = |group, picture: &str| ChangeThread {
        title: Some("Walks".to_owned()),
        description: Some("Sundays,\nat ten".to_owned()),
        picture: Some(picture.to_owned()),
        ..title(group, "")
    };
    let (mut world, group) = with_rights(naming(Allowed::Admins));
    assert_eq!(code(world.act("b", named(group, ""))), Code::Forbidden);
    let (mut world, group) = with_rights(naming(Allowed::Everyone));
    let walk = world.picture_of("b");
    assert!(world.act("b", named(group, &walk)).is_ok());
    let row = &world.store.threads[&group];
    assert_eq!(row.title.as_deref(), Some("Walks"));
    assert_eq!(row.description.as_deref(), Some("Sundays,\nat ten"));
    let last = world.store.entries.last_key_value().unwrap().1;
    let Fact::SettingsChanged(settings, description, picture) = &last.fact else {
        panic!("{last:?}")
    };
    assert_eq!((last.actor_id.as_str(), *settings), ("b", row.settings));
    assert_eq!((description, picture), (&row.description, &row.picture));
    // All or nothing: settings in the same call are for admins.
    let both = ChangeThread {
        title: Some("Runs".to_owned()),
        settings: naming(Allowed::Admins),
        ..title(group, "")
    };
    assert_eq!(code(world.act("b", both)), Code::Forbidden);
    let row = &world.store.threads[&group];
    assert_eq!(row.title.as_deref(), Some("Walks"));
    assert_eq!(row.settings.naming, Allowed::Everyone);
    let count = world.store.entries.len();
    assert!(world.act("a", named(group, &walk)).is_ok());
    assert_eq!(world.store.entries.len(), count, "nothing changed");
}
