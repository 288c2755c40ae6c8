//! Who comes in, and as whom.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Person, token};
use crate::{
    place::{Place, send},
    support::Device,
};

const ANN: &str = "+49 30 12345678";
const BOB: &str = "+49 30 12345679";
/// What is no secret, as it was accepted elsewhere.
const NO_SECRETS: &[&str] = &[
    "",
    "null",
    "undefined",
    "true",
    "0",
    "*",
    "%",
    "' OR '1'='1",
];

/// Every way in, with something that is no secret; what it answers.
async fn try_all(place: &Place, challenge: &str, secret: &Value) -> Vec<(&'static str, Value)> {
    let code = json!({"challenge_id": challenge, "code": secret});
    let calls = [
        ("/api/auth/verify", code),
        ("/api/auth/refresh", json!({"refresh_token": secret})),
        ("/api/auth/operator", json!({"token": secret})),
    ];
    let mut answers = Vec::new();
    for (path, body) in calls {
        answers.push((path, place.post(path, body).await.json));
    }
    let auth = json!({"token": secret});
    let refused = Device::connect(place.server.address, &auth).await.err();
    answers.push(("socket", json!({"code": refused})));
    if let Some(text) = secret.as_str().filter(|text| text.is_ascii()) {
        let answer = place.get_as(text, "/api/users/me").await;
        answers.push(("call", answer.json));
    }
    answers
}

/// Rocket.Chat CVE-2026-28514: a second way in accepted any password.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_03_no_way_in_takes_what_is_no_secret() {
    let place = Place::new().await;
    let mut challenge = place.begin(ANN).await;
    let code = place.code().await;
    for (n, secret) in NO_SECRETS.iter().enumerate() {
        // A challenge counts for five guesses.
        if n == 4 {
            challenge = place.begin(BOB).await;
        }
        for (way, answer) in try_all(&place, &challenge, &json!(secret)).await {
            let code = answer["code"]
                .as_str()
                .unwrap_or_else(|| panic!("{way} took {secret:?}"));
            let codes = [
                "wrong_code",
                "session_revoked",
                "unauthenticated",
                "challenge_over",
            ];
            assert!(codes.contains(&code), "{way} {secret:?}: {answer}");
        }
    }
    // The code of somebody else's challenge is none either.
    let body = json!({"challenge_id": challenge, "code": format!(" {code}")});
    assert!(
        !place
            .post("/api/auth/verify", body)
            .await
            .status
            .is_success()
    );
}

/// What takes the place of a text where queries are made of objects.
fn operators() -> [Value; 6] {
    [
        json!({"$ne": null}),
        json!({"$gt": ""}),
        json!({"$regex": ".*"}),
        json!(["x"]),
        json!(true),
        Value::Null,
    ]
}

/// Rocket.Chat CVE-2021-22911: objects in place of texts became part of a query.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_04_objects_in_place_of_texts_are_refused() {
    let place = Place::new().await;
    let challenge = place.begin(ANN).await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    for operator in operators() {
        for (way, answer) in try_all(&place, &challenge, &operator).await {
            // Without a token in it, a refresh is about the cookie.
            let codes = ["invalid_request", "unauthenticated", "forbidden"];
            let code = answer["code"]
                .as_str()
                .unwrap_or_else(|| panic!("{way} took {operator}"));
            assert!(codes.contains(&code), "{way} {operator}: {answer}");
        }
        let people = json!({"participants": [operator]});
        ann.post("/api/chat/create-or-get", people)
            .await
            .problem("invalid_request");
        let to = json!({"kind": "phone", "to": operator});
        place
            .post("/api/auth/challenges", to)
            .await
            .problem("invalid_request");
    }
    // Texts of another language are texts.
    let words = "'); DROP TABLE messages; -- \" \\ %27 \u{0}".trim_end_matches('\0');
    let thread = ann.group(&[&bob]).await;
    ann.say(&thread, words).await;
    let page = ann.get(&format!("{thread}/messages")).await;
    assert_eq!(page.data()["messages"][0]["content"], words);
    ann.get("/api/users/x'%20OR%20'1'='1")
        .await
        .problem("not_found");
}

/// Rocket.Chat CVE-2026-45689: the same class again where providers send browsers back.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_05_a_browser_that_comes_back_with_objects_is_not_signed_in() {
    let place = Place::new().await;
    let path = "/api/auth/providers/google/callback";
    for (query, code) in [
        ("state[$ne]=x&code[$ne]=x", "invalid_request"),
        ("state=x&state=y&code=z", "invalid_request"),
        ("code=z&state=%7B%22%24ne%22%3Anull%7D", "sign_in_failed"),
        ("", "sign_in_failed"),
    ] {
        let call = place.call(Method::GET, &format!("{path}?{query}"));
        let call = call.header("cookie", "semel_provider=made-up");
        let answer = send(call).await;
        answer.problem(code);
        assert!(!answer.headers.contains_key("set-cookie"), "{query}");
    }
}

/// Mattermost CVE-2023-2193: codes went on counting after what they followed from was taken back.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_10_what_follows_from_a_sign_in_ends_with_it() {
    let place = Place::new().await;
    let signed_in = place.sign_in(ANN).await;
    let (access, refresh) = (
        signed_in.text("access_token"),
        signed_in.text("refresh_token"),
    );
    let body = json!({"kind": "phone", "to": BOB, "purpose": "link"});
    let begun = place.post_as(&access, "/api/auth/challenges", body).await;
    let link = json!({"challenge_id": begun.text("challenge_id"), "code": place.code().await});
    let next = place.refresh(&refresh, "phone").await;
    let out = json!({"refresh_token": next.text("refresh_token")});
    place.post("/api/auth/sign-out", out).await.data();
    for token in [&access, &next.text("access_token")] {
        let linked = place
            .post_as(token, "/api/auth/identities", link.clone())
            .await;
        linked.problem("session_revoked");
        place
            .get_as(token, "/api/users/me")
            .await
            .problem("session_revoked");
    }
    for token in [&refresh, &next.text("refresh_token")] {
        place
            .refresh(token, "phone")
            .await
            .problem("session_revoked");
    }
}

/// Zulip CVE-2022-21706: what one organisation gave out opened another one.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_34_what_one_server_gives_out_opens_no_other() {
    let secret = (
        "jwt_secret_key",
        "the secret of quite another server than this one",
    );
    let (one, two) = (Place::new().await, Place::with(&[secret]).await);
    let challenge = one.begin(ANN).await;
    let code = one.code().await;
    let body = json!({"challenge_id": challenge, "code": code});
    two.post("/api/auth/verify", body)
        .await
        .problem("challenge_over");
    let signed_in = one.sign_in(ANN).await;
    for token in [signed_in.text("access_token"), token(&one, "ann")] {
        one.get_as(&token, "/api/users/me").await.data();
        two.get_as(&token, "/api/users/me")
            .await
            .problem("unauthenticated");
        let auth = json!({"token": token});
        let refused = Device::connect(two.server.address, &auth).await.err();
        assert_eq!(refused.as_deref(), Some("unauthenticated"));
    }
    let refreshed = two.refresh(&signed_in.text("refresh_token"), "phone").await;
    refreshed.problem("session_revoked");
    let link = json!({"token": one.server.operator_token().await});
    let other = two.sign_in(BOB).await.text("access_token");
    let claimed = two.post_as(&other, "/api/auth/operator", link).await;
    claimed.problem("sign_in_failed");
}

/// Zulip CVE-2022-31168: somebody gave what they made more than they had.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_35_nobody_gives_more_than_they_have() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let thread = ann.group(&[&bob]).await;
    for who in ["ann", "bob"] {
        let path = format!("{thread}/participants/{who}/role");
        bob.post(&path, json!({"role": "admin"}))
            .await
            .problem("forbidden");
    }
    for member in ["scope", "role", "is_operator", "is_verified", "user_id"] {
        let profile = json!({"display_name": "Bob", member: "operator"});
        let changed = bob.patch("/api/users/me", profile).await;
        changed.problem("invalid_request");
        let group = json!({"participants": ["ann"], member: "admin"});
        bob.post("/api/chat/create-or-get", group)
            .await
            .problem("invalid_request");
    }
    let signed_in = place.sign_in(ANN).await;
    for member in ["scope", "user_id", "session_id"] {
        let token = signed_in.text("refresh_token");
        let body = json!({"refresh_token": token, "device_id": "phone", member: "operator"});
        place
            .post("/api/auth/refresh", body)
            .await
            .problem("invalid_request");
    }
    let call = place.call(Method::PUT, "/api/users/bob").json(&json!({}));
    send(call.bearer_auth(&bob.token))
        .await
        .problem("forbidden");
}

/// Zulip CVE-2019-18933: who came by a provider could be signed in with an empty password.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_37_whoever_has_no_code_cannot_be_signed_in_by_one() {
    let place = Place::new().await;
    // Known by a host application, which has no number and no address of theirs.
    Person::new(&place, "ann").await;
    for to in ["", " ", "ann", "+", "0"] {
        let body = json!({"kind": "phone", "to": to});
        place
            .post("/api/auth/challenges", body)
            .await
            .problem("invalid_request");
    }
    let nothing = "00000000-0000-0000-0000-000000000000";
    for challenge in [nothing, "018f0000-0000-7000-8000-000000000000"] {
        for code in ["", "000000", "null"] {
            let body = json!({"challenge_id": challenge, "code": code});
            let answer = place.post("/api/auth/verify", body).await;
            answer.problem("challenge_over");
        }
    }
}

/// ejabberd 26.07: who it is was taken from elsewhere than from what had been proved.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_43_who_it_is_follows_from_the_token_alone() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let thread = ann.group(&[&bob]).await;
    // Two tokens are none.
    let call = place.call(Method::GET, "/api/users/me");
    let call = call.bearer_auth(&ann.token).bearer_auth(&bob.token);
    send(call).await.problem("unauthenticated");
    // Members that would name somebody else are refused, and so is one that comes twice.
    let path = format!("{thread}/messages");
    for member in ["sender_id", "user_id", "sender", "created_at", "seq"] {
        let id = crate::support::client_id();
        let body = json!({"client_id": id, "content": "x", member: "ann"});
        bob.post(&path, body).await.problem("invalid_request");
    }
    let twice = format!(
        r#"{{"client_id": "{}", "content": "one", "content": "two"}}"#,
        crate::support::client_id()
    );
    let call = place.call(Method::POST, &path).bearer_auth(&bob.token);
    let call = call.header("content-type", "application/json").body(twice);
    send(call).await.problem("invalid_request");
    // Cursors are read, not run.
    for cursor in ["1'; DROP TABLE threads; --", "' OR 1=1", "%00", "*"] {
        for list in ["/api/contacts".to_owned(), format!("{thread}/participants")] {
            let found = bob.get(&format!("{list}?cursor={cursor}")).await;
            found.problem("invalid_request");
        }
    }
    // A header does not say who it is either.
    let call = place
        .call(Method::GET, "/api/users/me")
        .bearer_auth(&bob.token);
    let call = call
        .header("x-user-id", "ann")
        .header("x-forwarded-user", "ann");
    assert_eq!(send(call).await.data()["user"]["user_id"], "bob");
    let mut device = bob.device().await;
    let forged = json!({"thread_id": super::id_of(&thread), "seq": 1, "user_id": "ann"});
    let refused = device.refused("read", &forged).await;
    assert_eq!(refused["errors"][0]["pointer"], "/user_id");
}
