//! Every limit: at it, and one beyond.

use semel_core::actions::{
    Action, ChangeThread, CreateOrGet, Expand, React, SendBatch, StartConversation, UpsertUser,
};
use semel_protocol::{ClientId, Code, MessageId, ThreadId, limits};
use uuid::Uuid;

use crate::support::{
    tell::{code, field, id, sent},
    words::{client_id, create, draft, edit, expand, people, person, send, start, title},
    world::World,
};

fn group() -> (World, ThreadId) {
    let mut world = World::with(&["a", "b", "c"]);
    let group = id(world.act("a", create(&["b", "c"])));
    (world, group)
}

/// Says that the field named is the one that is refused.
fn refused(world: &mut World, action: impl Into<Action>, pointer: &str) {
    let before = world.store.clone();
    assert_eq!(field(world.act("a", action)), pointer);
    assert!(world.store == before, "{pointer}");
}

#[test]
fn contents_have_16_000_characters_and_64_kib() {
    let (mut world, group) = group();
    let four_bytes = "😀".repeat(limits::CONTENT_CHARACTERS_MAX);
    assert!(four_bytes.len() <= limits::CONTENT_BYTES_MAX);
    let first = sent(world.act("a", send(group, &four_bytes, 1))).message;
    assert_eq!(first.content, four_bytes);
    let bytes = "x".repeat(limits::CONTENT_BYTES_MAX + 1);
    for content in [
        format!("{four_bytes}x"),
        bytes,
        " \n\t".to_owned(),
        "a\0b".to_owned(),
    ] {
        refused(&mut world, send(group, &content, 2), "/content");
        refused(&mut world, edit(group, first.id, &content), "/content");
        refused(
            &mut world,
            start(&["b"], &content, None),
            "/message_content",
        );
        let welcome = Expand {
            message_content: Some(content),
            ..expand(group, &["b"])
        };
        refused(&mut world, welcome, "/message_content");
    }
}

#[test]
fn titles_have_200_characters_in_one_line() {
    let (mut world, group) = group();
    let longest = "é".repeat(limits::TITLE_CHARACTERS_MAX);
    assert!(world.act("a", title(group, &longest)).is_ok());
    for bad in [
        format!("{longest}x"),
        "a\nb".to_owned(),
        "a\0".to_owned(),
        "  ".to_owned(),
        "\u{200b}\u{2060}".to_owned(),
        "a\u{202e}b".to_owned(),
    ] {
        refused(&mut world, title(group, &bad), "/title");
        let made = CreateOrGet {
            title: Some(bad.clone()),
            ..create(&["b"])
        };
        refused(&mut world, made, "/title");
        let started = StartConversation {
            title: Some(bad),
            ..start(&["b"], "hi", None)
        };
        refused(&mut world, started, "/title");
    }
}

#[test]
fn an_automatic_title_keeps_to_the_limit_whatever_the_names() {
    let (mut world, group) = group();
    for name in ["a", "b", "c"] {
        let named = UpsertUser {
            display_name: Some("n".repeat(limits::NAME_CHARACTERS_MAX)),
            ..profile(name)
        };
        world.act(name, named).unwrap();
    }
    world.act("a", title(group, "x")).unwrap();
    world.act("a", title(group, "")).unwrap();
    let made = world.store.threads[&group].title.clone().unwrap();
    assert_eq!(made.chars().count(), limits::TITLE_CHARACTERS_MAX);
}

fn profile(name: &str) -> UpsertUser {
    UpsertUser {
        user_id: person(name),
        display_name: None,
        about: None,
        picture: None,
        only_if_absent: false,
        outside_picture: false,
    }
}

#[test]
fn profiles_have_limits() {
    let mut world = World::with(&["a"]);
    let text = |n: usize| Some("é".repeat(n));
    let address = |n: usize| Some(format!("https://{}", "x".repeat(n - 8)));
    let outside = || UpsertUser {
        outside_picture: true,
        ..profile("a")
    };
    let at_limit = UpsertUser {
        display_name: text(limits::NAME_CHARACTERS_MAX),
        about: text(limits::ABOUT_CHARACTERS_MAX),
        picture: address(limits::PICTURE_CHARACTERS_MAX),
        ..outside()
    };
    assert!(world.act("a", at_limit).is_ok());
    for name in [
        text(limits::NAME_CHARACTERS_MAX + 1),
        text(0),
        Some(" ".to_owned()),
        Some("\u{200b}\u{feff} ".to_owned()),
        Some("\u{202e}nna".to_owned()),
        Some("a\u{2066}b".to_owned()),
    ] {
        refused(
            &mut world,
            UpsertUser {
                display_name: name,
                ..profile("a")
            },
            "/display_name",
        );
    }
    let about = text(limits::ABOUT_CHARACTERS_MAX + 1);
    refused(
        &mut world,
        UpsertUser {
            about,
            ..profile("a")
        },
        "/about",
    );
    for picture in [
        address(limits::PICTURE_CHARACTERS_MAX + 1),
        Some("javascript:x".to_owned()),
        Some("http://x/y".to_owned()),
    ] {
        refused(
            &mut world,
            UpsertUser {
                picture,
                ..outside()
            },
            "/picture",
        );
    }
    let theirs = UpsertUser {
        picture: address(20),
        ..profile("a")
    };
    refused(&mut world, theirs, "/picture");
    let cleared = UpsertUser {
        about: Some(String::new()),
        picture: Some(String::new()),
        ..profile("a")
    };
    world.act("a", cleared).unwrap();
    let row = &world.store.users[&person("a")];
    assert_eq!((&row.about, &row.picture), (&None, &None));
    assert!(row.display_name.is_some(), "what is left out stays");
}

#[test]
fn descriptions_have_2000_characters() {
    let (mut world, group) = group();
    let about = |text: &str| ChangeThread {
        title: None,
        description: Some(text.to_owned()),
        ..title(group, "")
    };
    let longest = "é".repeat(limits::DESCRIPTION_CHARACTERS_MAX);
    assert!(world.act("a", about(&longest)).is_ok());
    assert!(world.act("a", about("Two\nlines")).is_ok());
    for bad in [&format!("{longest}é") as &str, "a\0b", " \n", "a\u{202e}b"] {
        refused(&mut world, about(bad), "/description");
    }
    let row = |world: &World| world.store.threads[&group].description.clone();
    assert_eq!(row(&world).as_deref(), Some("Two\nlines"));
    world.act("a", about("")).unwrap();
    assert_eq!(row(&world), None);
}

#[test]
fn pictures_of_groups_have_limits() {
    let (mut world, group) = group();
    let [own, of_b] = ["a", "b"].map(|who| world.picture_of(who));
    let picture = |picture: &str| ChangeThread {
        title: None,
        picture: Some(picture.to_owned()),
        ..title(group, "")
    };
    assert!(world.act("a", picture(&own)).is_ok());
    for bad in [
        "data:x",
        "https://x/y",
        &of_b,
        "/api/pictures/0190b5c8-0000-7000-8000-000000000001",
        "/api/pictures/x",
        "/x",
        &format!("{own}x"),
    ] {
        refused(&mut world, picture(bad), "/picture");
    }
    world.act("a", picture("")).unwrap();
    assert_eq!(world.store.threads[&group].picture, None);
}

#[test]
fn a_call_names_1_000_people() {
    let (mut world, group) = group();
    let names: Vec<String> = (0..=1_000).map(|n| format!("user-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        world.make_user(name);
    }
    refused(&mut world, create(&names), "/participants");
    refused(&mut world, start(&names, "hi", None), "/participants");
    refused(&mut world, expand(group, &names), "/new_participants");
    refused(&mut world, expand(group, &[]), "/new_participants");
    let large = id(world.act("a", create(&names[1..])));
    assert_eq!(
        world.store.threads[&large].participants_key, None,
        "1,001 people own no key"
    );
    assert_ne!(id(world.act("a", create(&names[1..]))), large);
    assert!(world.act("a", expand(group, &names[1..])).is_ok());
    assert!(world.rounds <= 8, "{} loads", world.rounds);
    assert_eq!(world.store.threads[&group].participant_count, 1_003);
    assert_eq!(world.store.threads[&group].participants_key, None);
}

#[test]
fn a_group_that_shrinks_to_1_000_owns_a_key_again() {
    let names: Vec<String> = (0..1_001).map(|n| format!("user-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::with(&names);
    let group = id(world.act("user-0", create(&names[1..])));
    world
        .act("user-5", semel_core::actions::Leave { thread_id: group })
        .unwrap();
    assert!(world.store.threads[&group].participants_key.is_some());
}

#[test]
fn a_message_has_50_kinds_of_reactions() {
    let (mut world, group) = group();
    let message_id = sent(world.act("a", send(group, "hi", 1))).message.id;
    let with = |emoji: &str| React {
        thread_id: group,
        message_id,
        emoji: emoji.to_owned(),
        is_added: true,
    };
    for n in 0..limits::REACTION_KINDS_PER_MESSAGE_MAX {
        assert!(world.act("a", with(&format!("e{n}"))).is_ok());
    }
    refused(&mut world, with("one more"), "/emoji");
    refused(&mut world, with("more"), "/emoji");
    assert!(world.act("b", with("e7")).is_ok(), "a kind that is there");
    for bad in [
        "",
        " ",
        "a b",
        "<b>",
        "\u{7}",
        "\u{200b}",
        "\u{fe0f}",
        "\u{202e}x",
        &"x".repeat(limits::EMOJI_BYTES_MAX + 1),
    ] {
        refused(&mut world, with(bad), "/emoji");
    }
}

#[test]
fn a_batch_has_100_messages() {
    let (mut world, thread_id) = group();
    let drafts: Vec<_> = (0..=100).map(|n| draft("x", n)).collect();
    refused(
        &mut world,
        SendBatch {
            thread_id,
            drafts: drafts.clone(),
        },
        "/messages",
    );
    refused(
        &mut world,
        SendBatch {
            thread_id,
            drafts: vec![],
        },
        "/messages",
    );
    let drafts = drafts[1..].to_vec();
    assert!(world.act("a", SendBatch { thread_id, drafts }).is_ok());
    assert_eq!(world.store.messages.len(), 100);
}

#[test]
fn ec_x11_nil_max_and_counters_are_refused_as_client_ids() {
    let (mut world, group) = group();
    for bits in [0, 7, u128::MAX, 9 << 64] {
        let bad = Some(ClientId(Uuid::from_u128(bits)));
        let mut said = send(group, "x", 1);
        said.draft.client_id = bad;
        refused(&mut world, said, "/client_id");
        refused(
            &mut world,
            CreateOrGet {
                client_id: bad,
                ..create(&["b"])
            },
            "/client_id",
        );
        let started = StartConversation {
            client_id: bad,
            ..start(&["b"], "x", None)
        };
        refused(&mut world, started, "/client_id");
        let grown = Expand {
            client_id: bad,
            ..expand(group, &["b"])
        };
        refused(&mut world, grown, "/client_id");
    }
    assert!(client_id(1).is_acceptable());
}

#[test]
fn people_send_text_without_files_in_answer_to_what_is_there() {
    let (mut world, group) = group();
    let mut said = send(group, "x", 1);
    said.draft.kind = Some(semel_protocol::message::MessageKind::System);
    refused(&mut world, said, "/kind");
    let mut said = send(group, "x", 1);
    said.draft.attachment_count = 1;
    refused(&mut world, said, "/attachments");
    let mut said = send(group, "x", 1);
    said.draft.reply_to = Some(MessageId(Uuid::from_u128(5)));
    refused(&mut world, said, "/reply_to");
    let nowhere = ThreadId(Uuid::from_u128(5));
    assert_eq!(code(world.act("a", send(nowhere, "x", 1))), Code::NotFound);
    let unknown = world.act("a", create(&["b", "x", "y"])).unwrap_err();
    assert_eq!(
        (unknown.code, unknown.user_ids),
        (Code::UnknownUsers, people(&["x", "y"]))
    );
}
