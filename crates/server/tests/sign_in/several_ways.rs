//! Two servers of one `PostgreSQL` database, with Redis: a sign-in that one of them began, by e-mail or with a provider, goes
//! on at the other one.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use semel_protocol::limits::{
    CODE_TRIES_MAX, GUESSES_PER_ADDRESS_HOUR_MAX, SIGN_INS_PER_ADDRESS_HOUR_MAX,
};
use serde_json::json;

use super::{
    mailbox::Mailbox,
    openid::{Provider, Signed},
    place::{Answer, Place, send},
    provider::{OWN, come_back, leave, refresh_cookie},
    several::{Servers, two_servers_with},
};

const ANN: &str = "ann@example.org";

async fn servers_with_mail() -> Option<(Servers, Mailbox)> {
    let mailbox = Mailbox::start().await;
    let settings = [
        ("email_sender", "smtp"),
        ("smtp_url", mailbox.url.as_str()),
        ("email_from", "Chat <chat@example.org>"),
    ];
    let servers = two_servers_with(&settings).await?;
    Some((servers, mailbox))
}

async fn begin(place: &Place, to: &str) -> Answer {
    let body = json!({"kind": "email", "to": to});
    place.post("/api/auth/challenges", body).await
}

async fn guess(place: &Place, challenge: &str, code: &str) -> Answer {
    let body = json!({"challenge_id": challenge, "code": code, "device_id": "laptop"});
    place.post("/api/auth/verify", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn req_d2_a_code_by_email_that_one_server_was_asked_for_counts_at_the_other() {
    let Some((servers, mailbox)) = servers_with_mail().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    let challenge = begin(one, ANN).await.text("challenge_id");
    let code = mailbox.newest(ANN, 1).await.code();
    // All guesses but the last are wrong, on either server in turn, and each knows of those at the other.
    for left in (1..CODE_TRIES_MAX).rev() {
        let place = if left % 2 == 0 { one } else { two };
        let wrong = guess(place, &challenge, "no code").await;
        wrong.problem("wrong_code");
        let detail = wrong.json["detail"].as_str().unwrap();
        assert!(
            detail.ends_with(&format!("{left} tries are left")),
            "{detail}"
        );
    }
    let entered = guess(two, &challenge, &code).await;
    assert_eq!(entered.data()["is_new_person"], true);
    // The tries are used up, so that the answer is not told again, at whichever server.
    for place in [one, two] {
        let again = guess(place, &challenge, &code).await;
        again.problem("challenge_over");
    }
    // Tokens of one server count at the other, and so does what follows from them.
    let mut refresh = entered.text("refresh_token");
    for place in [one, two, one] {
        let next = place.refresh(&refresh, "laptop").await;
        let me = next.text("access_token");
        for place in [one, two] {
            place.get_as(&me, "/api/users/me").await.data();
        }
        refresh = next.text("refresh_token");
    }
    // The same person comes back the other way round; each code was sent once, by one of the servers.
    let challenge = begin(two, ANN).await.text("challenge_id");
    let mail = mailbox.newest(ANN, 2).await;
    let again = guess(one, &challenge, &mail.code()).await;
    assert_eq!(again.text("user_id"), entered.text("user_id"));
    let lost = guess(two, &challenge, &mail.code()).await;
    assert_eq!(lost.text("session_id"), again.text("session_id"));
    assert_eq!(lost.text("refresh_token"), again.text("refresh_token"));
    let mails = mailbox.of(ANN);
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_8_guesses_of_codes_by_email_count_together_on_two_servers() {
    let Some((servers, mailbox)) = servers_with_mail().await else {
        return;
    };
    let places = [&servers.one, &servers.two];
    let of = |n: u64| places[usize::from(!n.is_multiple_of(2))];
    // One code: five guesses, however many come at once to both.
    let to = |n: u64| format!("person{n}@example.org");
    let challenge = begin(of(0), &to(0)).await.text("challenge_id");
    let code = mailbox.newest(&to(0), 1).await.code();
    let all = (0..40).map(|n| guess(of(n), &challenge, "no code"));
    let answers = join_all(all).await;
    let compared = answers
        .iter()
        .filter(|answer| answer.json["code"] == "wrong_code");
    assert_eq!(compared.count() as u64, CODE_TRIES_MAX);
    for place in places {
        let late = guess(place, &challenge, &code).await;
        late.problem("challenge_over");
    }
    // One address: its guesses of all codes count together, at whichever server they arrive.
    let codes = GUESSES_PER_ADDRESS_HOUR_MAX / CODE_TRIES_MAX;
    for n in 1..codes {
        let challenge = begin(of(n), &to(n)).await.text("challenge_id");
        for tries in 0..CODE_TRIES_MAX {
            let wrong = guess(of(tries), &challenge, "no code").await;
            wrong.problem("wrong_code");
        }
    }
    let challenge = begin(of(codes), &to(codes)).await.text("challenge_id");
    let code = mailbox.newest(&to(codes), 1).await.code();
    for place in places {
        let beyond = guess(place, &challenge, &code).await;
        beyond.problem("rate_limited");
        assert!(beyond.json["retry_after_ms"].as_u64().unwrap() > 0);
    }
    // What an address begins counts together as well.
    for n in codes + 1..SIGN_INS_PER_ADDRESS_HOUR_MAX {
        begin(of(n), &to(n)).await.data();
    }
    for place in places {
        begin(place, ANN).await.problem("rate_limited");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_14_who_goes_to_a_provider_from_one_server_comes_back_to_the_other_and_once() {
    let provider = Provider::start().await;
    let providers = provider.setting();
    let settings = [("oidc_providers", providers.as_str()), ("public_url", OWN)];
    let Some(servers) = two_servers_with(&settings).await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    let (url, cookie) = leave(one).await;
    let path = provider.visit(&url, "ann", Signed::Well);
    // The other server finds verifier and nonce, which the provider asks for, and the browser's binding.
    let strange = come_back(two, &path, "__Secure-semel_provider=made-up").await;
    strange.problem("sign_in_failed");
    assert_eq!(provider.exchanges(), 0);
    let back = come_back(two, &path, &cookie).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(back.headers["location"], "/in");
    let refresh = refresh_cookie(&back).unwrap();
    // It counts once: at neither server a second time, and the provider is not asked again.
    for place in [one, two] {
        let again = come_back(place, &path, &cookie).await;
        assert_eq!(
            again.headers["location"],
            "/in#sign_in_error=sign_in_failed"
        );
        assert_eq!(refresh_cookie(&again), None);
    }
    assert_eq!(provider.exchanges(), 1);
    // The page refreshes at either.
    let page = async |place: &Place, cookie: &str| {
        let call = place.call(Method::POST, "/api/auth/refresh");
        let call = call.header("origin", OWN).header("cookie", cookie);
        send(call.json(&json!({"device_id": "browser"}))).await
    };
    let first = page(one, &refresh).await;
    let second = page(two, &first.cookie().unwrap()).await;
    assert_eq!(first.text("session_id"), second.text("session_id"));
    // Next time the other way round, and many at once: one of them signs in, the same person.
    let (url, cookie) = leave(two).await;
    let path = provider.visit(&url, "ann", Signed::Well);
    let all = (0..8).map(|n| come_back(if n % 2 == 0 { one } else { two }, &path, &cookie));
    let backs = join_all(all).await;
    assert_eq!(provider.exchanges(), 2, "the provider is asked once more");
    let mut entered = backs.iter().filter_map(refresh_cookie);
    let again = page(one, &entered.next().unwrap()).await;
    assert_eq!(entered.next(), None);
    assert_eq!(again.text("user_id"), first.text("user_id"));
}
