//! A server with people of all kinds, and a fresh thread for each line.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::who::{EVERYBODY, Who};
use crate::{
    peers::token,
    place::{Place, send},
    support::{client_id, until},
};

/// The number of somebody who belongs to each thread, for admins and operators to do something with.
const OTHER: &str = "+493012345699";
/// People whom everybody knows, and who are in no thread.
const PERSON: &str = "person";
const OTHER_PERSON: &str = "other-person";
/// The id of nothing.
const NOTHING: &str = "018f0000-0000-7000-8000-000000000000";

/// A server and its people.
pub(super) struct World {
    pub(super) place: Place,
    people: Vec<(Who, Person)>,
    other: String,
}

struct Person {
    user_id: String,
    token: String,
}

fn phone(who: Who) -> String {
    format!("+4930123456{}", 70 + who as usize)
}

impl World {
    pub(super) async fn new() -> Self {
        let place = Place::new().await;
        let mut people = Vec::new();
        for who in EVERYBODY.into_iter().filter(|who| who.signs_in()) {
            let signed_in = place.sign_in(&phone(who)).await;
            let mut token = signed_in.text("access_token");
            if who == Who::Operator {
                let link = json!({"token": place.server.operator_token().await.unwrap()});
                place
                    .post_as(&token, "/api/auth/operator", link)
                    .await
                    .data();
                let next = place
                    .refresh(&signed_in.text("refresh_token"), "phone")
                    .await;
                token = next.text("access_token");
            }
            if who == Who::Revoked {
                let body = json!({"refresh_token": signed_in.text("refresh_token")});
                place.post("/api/auth/sign-out", body).await.data();
            }
            let user_id = signed_in.text("user_id");
            people.push((who, Person { user_id, token }));
        }
        let other = place.sign_in(OTHER).await.text("user_id");
        let world = Self {
            place,
            people,
            other,
        };
        for id in [PERSON, OTHER_PERSON] {
            let path = format!("/api/users/{id}");
            world
                .act(Who::Operator, Method::PUT, &path, json!({}))
                .await;
        }
        let suspend = format!("/api/operator/people/{}/suspend", world.id(Who::Suspended));
        let why = json!({"reason": "of these tests"});
        world.act(Who::Operator, Method::POST, &suspend, why).await;
        world
    }

    /// Their access token.
    pub(super) fn token(&self, who: Who) -> Option<&str> {
        let person = self.people.iter().find(|(known, _)| *known == who);
        person.map(|(_, person)| person.token.as_str())
    }

    fn id(&self, who: Who) -> &str {
        let person = self.people.iter().find(|(known, _)| *known == who);
        &person.unwrap().1.user_id
    }

    /// Signs another device in, while codes to others are on their way too; the session.
    async fn sign_in_again(&self, phone: &str) -> String {
        let codes = || {
            let messages = self.place.receiver.messages().into_iter();
            let bodies = messages.map(|it| serde_json::from_str::<Value>(&it.body).unwrap());
            let to_them = bodies.filter(|body| body["data"]["to"] == phone);
            to_them.collect::<Vec<_>>()
        };
        let before = codes().len();
        let challenge = self.place.begin(phone).await;
        until("a code", || codes().len() > before).await;
        let code = &codes()[before]["data"]["code"];
        let body = json!({"challenge_id": challenge, "code": code});
        let signed_in = self.place.post("/api/auth/verify", body).await;
        signed_in.text("session_id")
    }

    /// Somebody new of a host application, with a token that counts.
    async fn host_person(&self) -> (String, String) {
        let id = client_id();
        let token = token(&self.place, &id);
        self.place.get_as(&token, "/api/users/me").await.data();
        (id, token)
    }

    /// Ends somebody's account, and waits until they are out of the thread: nothing comes after that.
    async fn erase(&self, id: &str, token: &str, thread: &str) {
        let erased = json!({"user_id": id});
        let erased = self.place.post_as(token, "/api/auth/erase", erased).await;
        erased.data();
        let path = format!("{thread}/participants?limit=200");
        loop {
            let list = self.act(Who::Admin, Method::GET, &path, Value::Null).await;
            if !list.to_string().contains(id) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn act(&self, who: Who, method: Method, path: &str, body: Value) -> Value {
        let call = self.place.call(method, path);
        let mut call = call.bearer_auth(self.token(who).unwrap());
        if !body.is_null() {
            call = call.json(&body);
        }
        let answer = send(call).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.json["data"].clone()
    }
}

/// A thread in which nothing was done yet.
pub(super) struct Scene {
    pub(super) thread: String,
    pub(super) message: String,
    /// Another participant.
    other: String,
    /// The token of somebody whose account is gone.
    erased: String,
    /// Another device of the admin, if the line is about one.
    session: String,
    /// A report of the message, if the line is about one.
    report: String,
    /// A link into the thread: its id and its token, if the line is about one.
    invite: (String, String),
}

impl Scene {
    pub(super) async fn new(world: &World, name: &str) -> Self {
        use Who::{Admin, Author, Former, Participant, Removed, Revoked, Suspended};
        let ids = [Author, Participant, Former, Removed, Revoked, Suspended];
        let mut ids = ids.map(|who| world.id(who)).to_vec();
        let (erased, erased_token) = world.host_person().await;
        ids.extend([world.other.as_str(), &erased]);
        let group = json!({"participants": ids, "thread_type": "group", "distinct": false});
        let path = "/api/chat/create-or-get";
        let made = world.act(Admin, Method::POST, path, group).await;
        let thread = made["thread"]["id"].as_str().unwrap().to_owned();
        let base = format!("/api/chat/threads/{thread}");
        let words = json!({"client_id": client_id(), "content": "secret"});
        let messages = format!("{base}/messages");
        let said = world.act(Author, Method::POST, &messages, words).await;
        let leave = format!("{base}/leave");
        world.act(Former, Method::POST, &leave, json!({})).await;
        let removed = format!("{base}/participants/{}", world.id(Removed));
        world
            .act(Admin, Method::DELETE, &removed, Value::Null)
            .await;
        world.erase(&erased, &erased_token, &base).await;
        let session = if name.contains("{session_id}") {
            world.sign_in_again(&phone(Admin)).await
        } else {
            String::new()
        };
        let message = said["message"]["id"].as_str().unwrap();
        let report = if name.contains("{report_id}") {
            let path = format!("{messages}/{message}/report");
            let why = json!({"reason": "spam"});
            let reported = world.act(Participant, Method::POST, &path, why).await;
            reported["report_id"].as_str().unwrap().to_owned()
        } else {
            String::new()
        };
        let invite = if name.contains("invite") {
            let path = format!("{base}/invites");
            let made = world.act(Admin, Method::POST, &path, json!({})).await;
            let text = |name: &str| made["invite"][name].as_str().unwrap().to_owned();
            (text("id"), text("token"))
        } else {
            Default::default()
        };
        Self {
            report,
            other: world.other.clone(),
            erased: erased_token,
            thread,
            message: said["message"]["id"].as_str().unwrap().to_owned(),
            session,
            invite,
        }
    }

    /// What they show in this scene.
    pub(super) fn token<'a>(&'a self, world: &'a World, who: Who) -> Option<&'a str> {
        match who {
            Who::Erased => Some(&self.erased),
            _ => world.token(who),
        }
    }

    /// What a refusal must leave as it is: the thread's last rev.
    pub(super) async fn state(&self, world: &World) -> Value {
        let path = format!("/api/chat/threads/{}/entries?limit=1", self.thread);
        let admin = world.token(Who::Admin).unwrap();
        world.place.get_as(admin, &path).await.data()["head_rev"].clone()
    }

    /// Puts what this scene has in place of `{names}`.
    pub(super) fn fill(&self, template: &str) -> String {
        let fresh = client_id();
        let digits = u64::from_str_radix(&fresh[fresh.len() - 6..], 16).unwrap();
        let known = [
            ("{thread_id}", self.thread.as_str()),
            ("{message_id}", &self.message),
            ("{session_id}", &self.session),
            ("{report_id}", &self.report),
            ("{invite_id}", &self.invite.0),
            ("{invite}", &self.invite.1),
            ("{picture_id}", NOTHING),
            ("{user_id}", &self.other),
            ("{person}", PERSON),
            ("{other_person}", OTHER_PERSON),
            ("{emoji}", "👍"),
            ("{provider}", "nobody"),
            ("{client_id}", &fresh),
            ("{phone}", &phone(Who::Admin)),
            ("{fresh_phone}", &format!("+49 151 {digits:08}")),
            ("{nothing}", NOTHING),
        ];
        let filled = known
            .iter()
            .fold(template.to_owned(), |text, (name, value)| {
                text.replace(name, value)
            });
        let is_open = filled.split('{').skip(1).any(|rest| {
            let name = rest.split('}').next().unwrap_or_default();
            !name.is_empty() && name.chars().all(|it| it.is_ascii_lowercase() || it == '_')
        });
        assert!(
            !is_open,
            "{template} has a {{name}} that Scene::fill in crates/server/tests/security/matrix/scene.rs does not \
             know; add it there"
        );
        filled
    }
}
