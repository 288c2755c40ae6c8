//! Every call and every event, by everybody. A call or an event that nobody wrote a line about fails these tests.

mod calls;
mod events;
mod scene;
mod who;

use std::collections::BTreeSet;

use reqwest::Method;
use semel_protocol::socket::from_client;
use semel_server::http::{ROUTES, openapi, route::Handler};
use serde_json::{Value, json};

use self::{
    calls::{CALLS, Call},
    events::{EVENTS, Event},
    scene::{Scene, World},
    who::{EVERYBODY, Policy, Who},
};
use crate::{
    place::{Answer, send},
    support::Device,
};

/// `METHOD /path` of everything that the table of routes or the document has.
fn served() -> BTreeSet<String> {
    let name = |method: &str, path: &str| format!("{} {path}", method.to_uppercase());
    let of_table = ROUTES
        .iter()
        .map(|route| name(route.method.name(), route.path));
    let document = serde_json::to_value(openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let of_document = paths.into_iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().cloned();
        let named = methods.map(|method| name(&method, &path));
        named.collect::<Vec<_>>()
    });
    of_table.chain(of_document).collect()
}

/// Lines that are missing, one for each name that has none, ready to be pasted.
fn missing(
    known: &BTreeSet<String>,
    lines: &BTreeSet<String>,
    line: impl Fn(&str) -> String,
) -> Vec<String> {
    known.difference(lines).map(|name| line(name)).collect()
}

#[test]
fn every_call_has_a_line_that_says_who_may_make_it() {
    let lines: BTreeSet<_> = CALLS.iter().map(|call| call.name.to_owned()).collect();
    assert_eq!(lines.len(), CALLS.len(), "a call has two lines in calls.rs");
    let missing = missing(&served(), &lines, |name| {
        let body = if name.starts_with("GET") || name.starts_with("DELETE") {
            String::new()
        } else {
            ".with(r#\"{a valid body}\"#)".to_owned()
        };
        format!("    call(\"{name}\", PARTICIPANTS){body},")
    });
    assert!(
        missing.is_empty(),
        "nobody has said who may make these calls. Add to CALLS in crates/server/tests/security/matrix/calls.rs\n{}\n\
         with the policy of who.rs that fits (OPEN, SIGNED_IN, PARTICIPANTS, ADMINS, AUTHOR, OPERATORS, …) in place \
         of PARTICIPANTS.",
        missing.join("\n")
    );
    let stale: Vec<_> = lines.difference(&served()).cloned().collect();
    assert!(stale.is_empty(), "calls.rs has lines of no call: {stale:?}");
}

#[test]
fn every_event_has_a_line_that_says_who_may_send_it() {
    let known: BTreeSet<_> = from_client::ALL
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let source = include_str!("../../../../protocol/src/socket.rs");
    let (_, module) = source.split_once("pub mod from_client").unwrap();
    let (module, _) = module.split_once("\n}").unwrap();
    let named = module.matches(": &str = ").count();
    assert_eq!(named, known.len(), "an event is not in from_client::ALL");
    let lines: BTreeSet<_> = EVENTS.iter().map(|event| event.name.to_owned()).collect();
    let missing = missing(&known, &lines, |name| {
        format!("    event(\"{name}\", r#\"{{valid data}}\"#, PARTICIPANTS),")
    });
    assert!(
        missing.is_empty(),
        "nobody has said who may send these events. Add to EVENTS in crates/server/tests/security/matrix/events.rs\n{}\n\
         with the policy of who.rs that fits in place of PARTICIPANTS.",
        missing.join("\n")
    );
    let stale: Vec<_> = lines.difference(&known).cloned().collect();
    assert!(
        stale.is_empty(),
        "events.rs has lines of no event: {stale:?}"
    );
}

/// What only somebody with a token may do must not be called open by its line.
#[test]
fn nothing_but_signing_in_pictures_and_health_is_open() {
    let is_closed = |call: &&Call| {
        let same = |route: &&semel_server::http::route::Route| {
            call.name == format!("{} {}", route.method.name().to_uppercase(), route.path)
        };
        let route = ROUTES.iter().find(same);
        route.is_some_and(|route| !matches!(route.handler, Handler::SignIn(_) | Handler::Open(_)))
    };
    for call in CALLS.iter().filter(is_closed) {
        let [nobody, revoked, ..] = call.policy;
        assert_eq!(
            (nobody, revoked),
            ("unauthenticated", "session_revoked"),
            "{}",
            call.name
        );
    }
    for event in EVENTS {
        let [nobody, revoked, ..] = event.policy;
        assert_eq!(
            (nobody, revoked),
            ("unauthenticated", "session_revoked"),
            "{}",
            event.name
        );
    }
}

/// `ok`, or the code of a problem, which must be one of the protocol's.
fn outcome(answer: &Answer) -> String {
    if answer.status.is_success() {
        return "ok".to_owned();
    }
    let code = answer.json["code"].as_str();
    let code = code.unwrap_or_else(|| panic!("a problem without a code: {answer:?}"));
    assert_eq!(answer.json["status"], answer.status.as_u16(), "{answer:?}");
    code.to_owned()
}

async fn make(world: &World, scene: &Scene, call: &Call, who: Who) -> String {
    let (method, path) = call.name.split_once(' ').unwrap();
    let path = scene.fill(&format!("{path}{}", call.query));
    let mut request = world
        .place
        .call(Method::from_bytes(method.as_bytes()).unwrap(), &path)
        .header("origin", world.place.server.url());
    if let Some(token) = scene.token(world, who) {
        request = request.bearer_auth(token);
    }
    if !call.body.is_empty() {
        let body: Value = serde_json::from_str(&scene.fill(call.body)).unwrap();
        request = request.json(&body);
    }
    outcome(&send(request).await)
}

async fn tell(world: &World, scene: &Scene, event: &Event, who: Who) -> String {
    let auth = json!({"token": scene.token(world, who).unwrap_or_default()});
    let mut device = match Device::connect(world.place.server.address, &auth).await {
        Ok(device) => device,
        Err(code) => return code,
    };
    let data: Value = serde_json::from_str(&scene.fill(event.data)).unwrap();
    let answer = device.call(event.name, &data).await;
    device.hang_up().await;
    match answer["status"].as_str() {
        Some("success") => "ok".to_owned(),
        _ => answer["error"]["code"].as_str().unwrap().to_owned(),
    }
}

/// What differs between a line and what happened. Whoever may do least comes first, and leaves no trace.
struct Findings(Vec<String>);

impl Findings {
    fn compare(&mut self, name: &str, who: Who, policy: Policy, found: &str) {
        let expected = policy[who as usize];
        if found != expected {
            let line = format!("{name}: {who:?} gets {found}, the line says {expected}");
            self.0.push(line);
        }
    }

    fn trace(&mut self, name: &str, before: &Value, after: &Value) {
        if before != after {
            self.0
                .push(format!("{name}: a refusal changed {before} into {after}"));
        }
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_does_for_everybody_what_its_line_says() {
    let world = World::new().await;
    let mut findings = Findings(Vec::new());
    for call in CALLS {
        let scene = Scene::new(&world, call.name).await;
        let before = scene.state(&world).await;
        let (refused, allowed): (Vec<Who>, Vec<Who>) = EVERYBODY
            .into_iter()
            .partition(|who| call.policy[*who as usize] != "ok");
        for who in refused {
            findings.compare(
                call.name,
                who,
                call.policy,
                &make(&world, &scene, call, who).await,
            );
        }
        findings.trace(call.name, &before, &scene.state(&world).await);
        for who in allowed {
            findings.compare(
                call.name,
                who,
                call.policy,
                &make(&world, &scene, call, who).await,
            );
        }
    }
    findings.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_does_for_everybody_what_its_line_says() {
    let world = World::new().await;
    let mut findings = Findings(Vec::new());
    for event in EVENTS {
        let scene = Scene::new(&world, event.name).await;
        let before = scene.state(&world).await;
        let (refused, allowed): (Vec<Who>, Vec<Who>) = EVERYBODY
            .into_iter()
            .partition(|who| event.policy[*who as usize] != "ok");
        for who in refused {
            findings.compare(
                event.name,
                who,
                event.policy,
                &tell(&world, &scene, event, who).await,
            );
        }
        findings.trace(event.name, &before, &scene.state(&world).await);
        for who in allowed {
            findings.compare(
                event.name,
                who,
                event.policy,
                &tell(&world, &scene, event, who).await,
            );
        }
    }
    findings.none();
}

/// What is told live is told to those who may read it, whatever others say they have open.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_12_what_happens_in_a_thread_is_told_to_its_participants_only() {
    let world = World::new().await;
    let scene = Scene::new(&world, "live").await;
    let open = json!({"thread_id": scene.thread});
    let mut devices = Vec::new();
    for who in [
        Who::Participant,
        Who::Author,
        Who::Stranger,
        Who::Former,
        Who::Removed,
        Who::Operator,
    ] {
        let auth = json!({"token": world.token(who).unwrap()});
        let address = world.place.server.address;
        let mut device = Device::connect(address, &auth).await.unwrap();
        device.done("sync", &json!({})).await;
        device.done("thread:open", &open).await;
        devices.push((who, device));
    }
    let admin = json!({"token": world.token(Who::Admin).unwrap()});
    let address = world.place.server.address;
    let mut admin = Device::connect(address, &admin).await.unwrap();
    for (event, data) in [
        ("typing", json!({"thread_id": scene.thread, "typing": true})),
        ("read", json!({"thread_id": scene.thread, "seq": 1})),
        ("delivered", json!({"thread_id": scene.thread, "seq": 1})),
        (
            "reaction:add",
            json!({"thread_id": scene.thread, "message_id": scene.message, "emoji": "👍"}),
        ),
    ] {
        admin.done(event, &data).await;
    }
    let last = admin.say(&scene.thread, "unmistakable words").await;
    for (who, device) in &mut devices {
        if matches!(who, Who::Participant | Who::Author) {
            let is_last = |entry: &Value| entry["rev"] == last["rev"];
            device.event("entry", is_last).await;
            continue;
        }
        for (name, data) in device.settle().await {
            let text = data.to_string();
            let names = text.contains(&scene.thread) || text.contains("unmistakable");
            assert!(!names, "{who:?} is told {name} {text}");
        }
    }
}
