//! Links that invite into groups.

mod join;

use semel_core::{
    Refusal,
    actions::{
        ChangeThread, CreateInvite, Invited, JoinByInvite, LookAtInvite, NewSettings, Outcome,
        RevokeInvite,
        sign_in::{Budget, PruneSignIn},
    },
    queries,
};
use semel_protocol::{
    Code, InviteId, ThreadId, Timestamp,
    limits::{INVITE_MINUTES_MAX, INVITE_MINUTES_MIN, INVITE_USES_MAX, INVITES_PER_THREAD_MAX},
    thread::Allowed,
};
use uuid::Uuid;

use crate::support::{
    tell::{code, field, id},
    words::{create, leave, person, remove, title},
    world::World,
};

const MINUTE_MS: i64 = 60_000;

fn group() -> (World, ThreadId) {
    let mut world = World::with(&["a", "b", "c", "d", "e"]);
    let group = id(world.act("a", create(&["b", "c"])));
    (world, group)
}

fn link(thread_id: ThreadId) -> CreateInvite {
    CreateInvite {
        thread_id,
        uses_max: None,
        minutes: None,
    }
}

fn with_uses(thread_id: ThreadId, uses: u64) -> CreateInvite {
    CreateInvite {
        uses_max: Some(uses),
        ..link(thread_id)
    }
}

fn made(result: Result<Outcome, Refusal>) -> InviteId {
    match result.expect("not refused") {
        Outcome::Invited(Invited::Made(id, _)) => id,
        other => panic!("no link in {other:?}"),
    }
}

fn revoke(thread_id: ThreadId, invite_id: InviteId) -> RevokeInvite {
    RevokeInvite {
        thread_id,
        invite_id,
    }
}

/// What came of following a link.
#[derive(Debug, PartialEq)]
enum Led {
    In,
    InBefore,
    Nowhere,
    Refused(Code),
}

fn join(world: &mut World, who: &str, invite: InviteId) -> Led {
    let action = JoinByInvite {
        invite_id: Some(invite),
        budgets: Vec::new(),
        budgets_nowhere: Vec::new(),
    };
    match world.act(who, action) {
        Ok(Outcome::Invited(Invited::Joined { is_new: true, .. })) => Led::In,
        Ok(Outcome::Invited(Invited::Joined { is_new: false, .. })) => Led::InBefore,
        Ok(Outcome::Invited(Invited::Nothing)) => Led::Nowhere,
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Led::Refused(refusal.code),
    }
}

/// Title, count and thread of what a link shows.
type Sight = (Option<String>, u64, Option<ThreadId>);

/// What a link shows; none where it leads nowhere.
fn look(world: &mut World, who: &str, invite: InviteId) -> Result<Option<Sight>, Code> {
    let action = LookAtInvite {
        invite_id: Some(invite),
        budgets: Vec::new(),
        budgets_nowhere: Vec::new(),
    };
    match world.act(who, action) {
        Ok(Outcome::Invited(Invited::Seen {
            title,
            participant_count,
            thread_id,
        })) => Ok(Some((title, participant_count, thread_id))),
        Ok(Outcome::Invited(Invited::Nothing)) => Ok(None),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.code),
    }
}

fn uses(world: &World, invite: InviteId) -> u64 {
    world.store.invites[&invite].uses
}

fn adding(thread_id: ThreadId, adding: Allowed) -> ChangeThread {
    ChangeThread {
        title: None,
        settings: NewSettings {
            adding: Some(adding),
            ..NewSettings::default()
        },
        ..title(thread_id, "")
    }
}

fn list(world: &World, who: &str, thread: ThreadId) -> Result<Vec<InviteId>, Code> {
    let now = Timestamp(world.now);
    let found = world.ask(|rows| queries::invites::of_thread(rows, &person(who), thread, now));
    let found = found.map_err(|refusal| refusal.code)?;
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

#[test]
fn p_invite_2_links_are_for_those_who_may_add() {
    let (mut world, group) = group();
    let by_admin = made(world.act("a", link(group)));
    for (who, expected) in [("b", Code::Forbidden), ("d", Code::NotFound)] {
        assert_eq!(code(world.act(who, link(group))), expected);
        assert_eq!(code(world.act(who, revoke(group, by_admin))), expected);
    }
    assert_eq!(list(&world, "b", group), Ok(vec![]));
    assert_eq!(list(&world, "d", group), Err(Code::NotFound));
    world.act("a", adding(group, Allowed::Everyone)).unwrap();
    world.now += 1;
    let by_b = made(world.act("b", link(group)));
    assert_eq!(list(&world, "c", group), Ok(vec![by_b, by_admin]));
    // Others end their own, admins any.
    assert_eq!(
        code(world.act("b", revoke(group, by_admin))),
        Code::Forbidden
    );
    assert_eq!(code(world.act("c", revoke(group, by_b))), Code::Forbidden);
    world.act("b", revoke(group, by_b)).unwrap();
    assert_eq!(code(world.act("b", revoke(group, by_b))), Code::NotFound);
    let by_c = made(world.act("c", link(group)));
    world.act("a", revoke(group, by_c)).unwrap();
    assert_eq!(list(&world, "a", group), Ok(vec![by_admin]));
    // A link is revoked where it is.
    let other = id(world.act("a", create(&["d", "e"])));
    assert_eq!(
        code(world.act("a", revoke(other, by_admin))),
        Code::NotFound
    );
    let direct = id(world.act("a", create(&["b"])));
    assert_eq!(code(world.act("a", link(direct))), Code::WrongThreadType);
}

#[test]
fn p_invite_2_makers_of_links_revoke_them_whatever_they_may_add() {
    let (mut world, group) = group();
    world.act("a", adding(group, Allowed::Everyone)).unwrap();
    let [first, second] = [(); 2].map(|()| {
        world.now += 1;
        made(world.act("b", link(group)))
    });
    let by_c = made(world.act("c", link(group)));
    world.act("a", adding(group, Allowed::Admins)).unwrap();
    assert_eq!(code(world.act("b", link(group))), Code::Forbidden);
    assert_eq!(list(&world, "b", group), Ok(vec![second, first]));
    world.act("b", revoke(group, first)).unwrap();
    assert_eq!(list(&world, "b", group), Ok(vec![second]));
    assert_eq!(code(world.act("b", revoke(group, first))), Code::NotFound);
    assert_eq!(code(world.act("b", revoke(group, by_c))), Code::Forbidden);
    // Who is out is told of nothing and changes nothing.
    world.act("b", leave(group)).unwrap();
    assert_eq!(list(&world, "b", group), Err(Code::NotFound));
    assert_eq!(code(world.act("b", revoke(group, second))), Code::NotFound);
    assert!(world.store.invites.contains_key(&second));
}

#[test]
fn p_invite_2_links_keep_to_their_limits() {
    let (mut world, group) = group();
    let minutes = |minutes| CreateInvite {
        minutes: Some(minutes),
        ..link(group)
    };
    let (least, most) = (INVITE_MINUTES_MIN as u64, INVITE_MINUTES_MAX as u64);
    for action in [
        minutes(least),
        minutes(most),
        with_uses(group, 1),
        with_uses(group, INVITE_USES_MAX),
    ] {
        made(world.act("a", action));
    }
    for bad in [0, least - 1, most + 1, u64::MAX] {
        let refused = world.act("a", minutes(bad));
        assert_eq!(field(refused), "/expires_in_minutes", "{bad}");
    }
    for bad in [0, INVITE_USES_MAX + 1, u64::MAX] {
        let refused = world.act("a", with_uses(group, bad));
        assert_eq!(field(refused), "/uses_max", "{bad}");
    }
}

#[test]
fn p_invite_2_a_group_has_100_links_and_those_that_are_used_up_give_way() {
    let (mut world, group) = group();
    let single = made(world.act("a", with_uses(group, 1)));
    for _ in 1..INVITES_PER_THREAD_MAX {
        world.now += 1;
        made(world.act("a", link(group)));
    }
    assert_eq!(code(world.act("a", link(group))), Code::InvalidRequest);
    assert_eq!(join(&mut world, "d", single), Led::In);
    made(world.act("a", link(group)));
    assert!(!world.store.invites.contains_key(&single));
    assert_eq!(world.store.invites.len(), INVITES_PER_THREAD_MAX);
    assert_eq!(code(world.act("a", link(group))), Code::InvalidRequest);
}

#[test]
fn p_invite_3_a_link_shows_title_and_count_and_no_names() {
    let (mut world, group) = group();
    let invite = made(world.act("a", link(group)));
    assert_eq!(look(&mut world, "d", invite), Ok(Some((None, 3, None))));
    world.act("a", title(group, "Walks")).unwrap();
    let walks = || Some("Walks".to_owned());
    assert_eq!(look(&mut world, "d", invite), Ok(Some((walks(), 3, None))));
    let own = look(&mut world, "b", invite);
    assert_eq!(own, Ok(Some((walks(), 3, Some(group)))));
}

#[test]
fn p_invite_4_what_leads_nowhere_is_the_same_for_all_reasons() {
    let (mut world, group) = group();
    let nobodys = InviteId(Uuid::from_u128(77));
    let revoked = made(world.act("a", link(group)));
    world.act("a", revoke(group, revoked)).unwrap();
    let used_up = made(world.act("a", with_uses(group, 1)));
    assert_eq!(join(&mut world, "e", used_up), Led::In);
    let expired = made(world.act(
        "a",
        CreateInvite {
            minutes: Some(5),
            ..link(group)
        },
    ));
    world.now += 5 * MINUTE_MS - 1;
    assert!(look(&mut world, "d", expired).unwrap().is_some());
    world.now += 1;
    for invite in [nobodys, revoked, used_up, expired] {
        assert_eq!(look(&mut world, "d", invite), Ok(None));
        assert_eq!(join(&mut world, "d", invite), Led::Nowhere);
    }
    let nothing = JoinByInvite {
        invite_id: None,
        budgets: Vec::new(),
        budgets_nowhere: Vec::new(),
    };
    let made_up = world.act("d", nothing).unwrap();
    assert!(matches!(made_up, Outcome::Invited(Invited::Nothing)));
    // To those who are in, a link that is used up still says where it led.
    assert_eq!(join(&mut world, "e", used_up), Led::InBefore);
    assert_eq!(join(&mut world, "e", expired), Led::Nowhere);
    assert_eq!(uses(&world, used_up), 1);
}

#[test]
fn p_invite_4_no_link_leads_into_a_group_that_everybody_has_left() {
    let (mut world, group) = group();
    let invite = made(world.act("a", link(group)));
    for (who, left) in [("a", 2), ("b", 1)] {
        world.act(who, leave(group)).unwrap();
        let sight = Some((None, left, None));
        assert_eq!(look(&mut world, "d", invite), Ok(sight));
    }
    world.act("c", leave(group)).unwrap();
    let store = world.store.clone();
    // Neither strangers nor who was in it, nor the one who was its admin.
    for who in ["d", "a", "c"] {
        assert_eq!(look(&mut world, who, invite), Ok(None));
        assert_eq!(join(&mut world, who, invite), Led::Nowhere);
    }
    assert_eq!(world.store, store, "nobody is in it, and no use is counted");
}

#[test]
fn p_invite_4_following_links_is_counted_also_where_they_lead_nowhere() {
    let (mut world, group) = group();
    let invite = made(world.act("a", link(group)));
    let budgets = vec![Budget {
        name: "invites of d".to_owned(),
        max: 3,
        period_ms: 1_000,
    }];
    let look = |invite_id| LookAtInvite {
        invite_id,
        budgets: budgets.clone(),
        budgets_nowhere: Vec::new(),
    };
    let join = JoinByInvite {
        invite_id: Some(invite),
        budgets: budgets.clone(),
        budgets_nowhere: Vec::new(),
    };
    world.act("d", look(None)).unwrap();
    world.act("d", look(Some(invite))).unwrap();
    let nothing = JoinByInvite {
        invite_id: None,
        ..join.clone()
    };
    world.act("d", nothing).unwrap();
    assert_eq!(code(world.act("d", look(Some(invite)))), Code::RateLimited);
    assert_eq!(code(world.act("d", join.clone())), Code::RateLimited);
    world.now += 1_000;
    assert!(world.act("d", join.clone()).is_ok());
    // Whom somebody took out learns something, too.
    world.act("a", remove(group, "d")).unwrap();
    world.now += 1_000;
    for _ in 0..2 {
        assert_eq!(code(world.act("d", look(Some(invite)))), Code::Forbidden);
    }
    assert_eq!(code(world.act("d", join.clone())), Code::Forbidden);
    assert_eq!(code(world.act("d", look(Some(invite)))), Code::RateLimited);
    assert_eq!(code(world.act("d", join)), Code::RateLimited);
}

#[test]
fn p_invite_4_an_address_counts_only_what_leads_nowhere() {
    let (mut world, group) = group();
    let invite = made(world.act("a", link(group)));
    let budget = |name: String, max| Budget {
        name,
        max,
        period_ms: 1_000,
    };
    let look = |who: &str, invite_id| LookAtInvite {
        invite_id,
        budgets: vec![budget(format!("invites of {who}"), 4)],
        budgets_nowhere: vec![budget("invites from here".to_owned(), 2)],
    };
    let join = |who: &str, invite_id| {
        let LookAtInvite {
            invite_id,
            budgets,
            budgets_nowhere,
        } = look(who, invite_id);
        JoinByInvite {
            invite_id,
            budgets,
            budgets_nowhere,
        }
    };
    // Those who are in, and who comes in: more than the address has.
    for who in ["a", "b", "c"] {
        world.act(who, look(who, Some(invite))).unwrap();
        world.act(who, join(who, Some(invite))).unwrap();
    }
    world.act("a", remove(group, "c")).unwrap();
    let refused = world.act("c", look("c", Some(invite)));
    assert_eq!(code(refused), Code::Forbidden);
    world.act("d", look("d", None)).unwrap();
    world.act("d", join("d", None)).unwrap();
    assert_eq!(code(world.act("d", look("d", None))), Code::RateLimited);
    assert_eq!(code(world.act("e", join("e", None))), Code::RateLimited);
    // Who has a link that counts is held up by nobody at the same address.
    world.act("e", look("e", Some(invite))).unwrap();
    let joined = world.act("e", join("e", Some(invite)));
    assert!(matches!(
        joined,
        Ok(Outcome::Invited(Invited::Joined { is_new: true, .. }))
    ));
    // What the address was refused has counted for the person.
    world.act("d", look("d", Some(invite))).unwrap();
    let refused = world.act("d", look("d", Some(invite)));
    assert_eq!(code(refused), Code::RateLimited);
    world.now += 1_000;
    world.act("e", look("e", None)).unwrap();
}

#[test]
fn links_that_have_expired_are_cleared_away() {
    let (mut world, group) = group();
    let kept = made(world.act("a", link(group)));
    let short = CreateInvite {
        minutes: Some(5),
        ..link(group)
    };
    let expired = made(world.act("a", short));
    world.now += 5 * MINUTE_MS + 1;
    assert_eq!(list(&world, "a", group), Ok(vec![kept]));
    let prune = PruneSignIn {
        before: Timestamp(world.now),
        limit: 10,
    };
    assert!(world.store.invites.contains_key(&expired));
    world.act("a", prune).unwrap();
    assert!(!world.store.invites.contains_key(&expired));
    assert!(world.store.invites.contains_key(&kept));
}
