//! Codes by phone: begun, sent, guessed.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::place::{Place, send};

const ANN: &str = "+49 30 12345678";
const BOB: &str = "+49 30 12345679";

#[tokio::test(flavor = "multi_thread")]
async fn req_d2_a_person_signs_in_by_phone_and_is_the_same_the_next_time() {
    let place = Place::new().await;
    let first = place.sign_in(ANN).await;
    assert_eq!(first.data()["is_new_person"], true);
    let me = place
        .get_as(&first.text("access_token"), "/api/users/me")
        .await;
    assert_eq!(me.data()["user"]["user_id"], first.text("user_id"));
    let again = place.sign_in("+49-30-12345678").await;
    assert_eq!(again.text("user_id"), first.text("user_id"));
    assert_eq!(again.data()["is_new_person"], false);
    assert_ne!(again.text("session_id"), first.text("session_id"));
    assert_ne!(
        place.sign_in(BOB).await.text("user_id"),
        first.text("user_id")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_7_what_is_posted_is_signed_and_comes_again_under_its_id_until_it_is_taken() {
    let place = Place::new().await;
    place.receiver.trouble(&[StatusCode::BAD_GATEWAY]);
    place.begin(ANN).await;
    let (one, two) = (
        place.receiver.message(0).await,
        place.receiver.message(1).await,
    );
    assert_eq!(one.body, two.body);
    let header = |name: &str| two.headers[name].to_str().unwrap();
    assert_eq!(one.headers["webhook-id"], two.headers["webhook-id"]);
    let signed = format!(
        "{}.{}.{}",
        header("webhook-id"),
        header("webhook-timestamp"),
        two.body
    );
    let secret = b"a secret that signs what is posted";
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header("webhook-signature"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_8_a_code_has_five_tries_however_many_guess_at_once() {
    let place = Place::new().await;
    let challenge = place.begin(ANN).await;
    let code = place.code().await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let guess = |code: &str| {
        place.post(
            "/api/auth/verify",
            json!({"challenge_id": challenge, "code": code}),
        )
    };
    let answers = futures_util::future::join_all((0..20).map(|_| guess(wrong))).await;
    let count = |code: &str| {
        answers
            .iter()
            .filter(|answer| answer.json["code"] == code)
            .count()
    };
    assert_eq!((count("wrong_code"), count("challenge_over")), (5, 15));
    guess(&code).await.problem("challenge_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_8_a_right_code_brings_one_session_however_often_it_is_sent() {
    let place = Place::new().await;
    let challenge = place.begin(ANN).await;
    let code = place.code().await;
    let body = json!({"challenge_id": challenge, "code": code, "device_id": "phone"});
    let all = (0..3).map(|_| place.post("/api/auth/verify", body.clone()));
    let all = futures_util::future::join_all(all).await;
    for answer in &all {
        for name in ["user_id", "session_id", "refresh_token"] {
            assert_eq!(answer.text(name), all[0].text(name), "{name}");
        }
    }
    // The code counts with its own challenge only.
    let other = place.begin(BOB).await;
    let next = place.code().await;
    if next != code {
        let crossed = json!({"challenge_id": other, "code": code});
        place
            .post("/api/auth/verify", crossed)
            .await
            .problem("wrong_code");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_8_codes_are_sent_as_often_as_a_receiver_may_get_them() {
    let place = Place::new().await;
    for _ in 0..5 {
        place.begin(ANN).await;
    }
    let body = json!({"kind": "phone", "to": "+49 (0)30 12345678"});
    let over = place.post("/api/auth/challenges", body).await;
    over.problem("rate_limited");
    assert!(over.headers.contains_key("retry-after"));
    // Others are not kept from it.
    place.begin(BOB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn req_d11_what_is_no_number_is_named_and_known_ones_look_like_others() {
    let place = Place::with(&[("phone_countries", "DE")]).await;
    for to in ["", "12", "+1 202 456 1111", "ann@example.org"] {
        let answer = place
            .post("/api/auth/challenges", json!({"kind": "phone", "to": to}))
            .await;
        answer.problem("invalid_request");
        assert_eq!(answer.json["errors"][0]["pointer"], "/to", "{to}");
    }
    let email = json!({"kind": "email", "to": "ann@example.org"});
    place
        .post("/api/auth/challenges", email)
        .await
        .problem("invalid_request");
    place.sign_in(ANN).await.data();
    let shape = |answer: &super::place::Answer| {
        let data = answer.data().as_object().unwrap();
        (answer.status, data.keys().cloned().collect::<Vec<_>>())
    };
    let known = place
        .post("/api/auth/challenges", json!({"kind": "phone", "to": ANN}))
        .await;
    let unknown = place
        .post("/api/auth/challenges", json!({"kind": "phone", "to": BOB}))
        .await;
    assert_eq!(shape(&known), shape(&unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_10_linking_takes_proof_of_both_and_gives_nothing_of_others_away() {
    let place = Place::new().await;
    let ann = place.sign_in(ANN).await.text("access_token");
    let bob = place.sign_in(BOB).await.text("access_token");
    let third = "+49 30 12345670";
    let begin = |token: &str, to: &str| {
        let body = json!({"kind": "phone", "to": to, "purpose": "link"});
        place.post_as(token, "/api/auth/challenges", body)
    };
    let challenge = begin(&ann, third).await.text("challenge_id");
    let body = json!({"challenge_id": challenge, "code": place.code().await});
    // Nobody else can use it, not to sign in either.
    place
        .post_as(&bob, "/api/auth/identities", body.clone())
        .await
        .problem("challenge_over");
    place
        .post("/api/auth/verify", body.clone())
        .await
        .problem("challenge_over");
    place
        .post_as(&ann, "/api/auth/identities", body)
        .await
        .data();
    let list = place.get_as(&ann, "/api/auth/identities").await;
    assert_eq!(list.data()["identities"].as_array().unwrap().len(), 2);
    // What belongs to somebody else is told to who has shown that it is theirs too, and stays.
    let challenge = begin(&bob, third).await.text("challenge_id");
    let body = json!({"challenge_id": challenge, "code": place.code().await});
    place
        .post_as(&bob, "/api/auth/identities", body)
        .await
        .problem("identity_taken");
    // One of two may go, the last one stays.
    let unlink = |value: &str| {
        let body = json!({"kind": "phone", "value": value});
        place.post_as(&ann, "/api/auth/identities/unlink", body)
    };
    unlink("+493012345679").await.problem("not_found");
    unlink("+493012345678").await.data();
    unlink("+493012345670").await.problem("invalid_request");
    // Without a sign-in here there is nothing to link to.
    let strange = begin("", third).await;
    strange.problem("unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_11_the_first_who_has_the_link_is_the_operator() {
    let place = Place::new().await;
    let link = place
        .server
        .operator_token()
        .await
        .expect("a fresh server has a link");
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let claim = |token: &str, link: &str| {
        place.post_as(token, "/api/auth/operator", json!({"token": link}))
    };
    let token = ann.text("access_token");
    claim(&token, "another link")
        .await
        .problem("sign_in_failed");
    let put = |token: &str| {
        let call = place
            .call(Method::PUT, "/api/users/carol")
            .bearer_auth(token);
        send(call.json(&json!({"display_name": "Carol"})))
    };
    put(&token).await.problem("forbidden");
    claim(&token, &link).await.data();
    let next = place.refresh(&ann.text("refresh_token"), "phone").await;
    assert_eq!(
        put(&next.text("access_token")).await.status,
        StatusCode::CREATED
    );
    assert_eq!(place.server.operator_token().await, None);
    claim(&bob.text("access_token"), &link)
        .await
        .problem("challenge_over");
    claim(&token, &link).await.data();
}
