//! Pages of this server keep their refresh token where no script reads it.

use reqwest::{Method, header::HeaderValue};
use serde_json::json;

use super::place::{Answer, Place, send};

const ANN: &str = "+49 30 12345678";

async fn sign_in(place: &Place) -> Answer {
    let challenge = place.begin(ANN).await;
    let body = json!({"challenge_id": challenge, "code": place.code().await, "keep_in": "cookie"});
    send(place.page_call("/api/auth/verify", &body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_12_a_page_signs_in_refreshes_and_signs_out_by_its_cookie() {
    let place = Place::new().await;
    let signed_in = sign_in(&place).await;
    assert!(signed_in.data().get("refresh_token").is_none());
    let set = signed_in.headers["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/api/auth"] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = signed_in.cookie().unwrap();
    let refresh = || {
        place
            .page_call("/api/auth/refresh", &json!({}))
            .header("cookie", &cookie)
    };
    // Two tabs at once have the same next cookie.
    let (one, two) = tokio::join!(send(refresh()), send(refresh()));
    assert_eq!(one.cookie(), two.cookie());
    assert_ne!(one.cookie().as_ref(), Some(&cookie));
    let next = one.cookie().unwrap();
    let out = place
        .page_call("/api/auth/sign-out", &json!({}))
        .header("cookie", &next);
    let out = send(out).await;
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let after = place
        .page_call("/api/auth/refresh", &json!({}))
        .header("cookie", &next);
    send(after).await.problem("session_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_12_pages_of_others_cannot_use_the_cookie() {
    let place = Place::with(&[("allowed_origins", "https://friend.example")]).await;
    let cookie = sign_in(&place).await.cookie().unwrap();
    let call = || {
        let call = place
            .call(Method::POST, "/api/auth/refresh")
            .json(&json!({}));
        call.header("cookie", &cookie)
    };
    let own = place.server.url();
    send(call()).await.problem("forbidden");
    for origin in ["https://evil.example", "https://friend.example", "null", ""] {
        send(call().header("origin", origin))
            .await
            .problem("forbidden");
    }
    let across = call()
        .header("origin", &own)
        .header("sec-fetch-site", "cross-site");
    send(across).await.problem("forbidden");
    let twice = call()
        .header("origin", &own)
        .header("origin", "https://evil.example");
    send(twice).await.problem("forbidden");
    // A form of another page cannot send JSON.
    let form = place
        .call(Method::POST, "/api/auth/refresh")
        .header("cookie", &cookie);
    let form = form
        .header("origin", &own)
        .header("content-type", "text/plain")
        .body("{}");
    send(form).await.problem("unsupported_media_type");
    // Nobody is signed in as somebody else.
    let challenge = place.begin(ANN).await;
    let body = json!({"challenge_id": challenge, "code": place.code().await, "keep_in": "cookie"});
    let login = place.call(Method::POST, "/api/auth/verify").json(&body);
    send(login.header("origin", "https://evil.example"))
        .await
        .problem("forbidden");
    let answer = send(call().header("origin", &own)).await;
    answer.data();
    assert_eq!(
        answer.headers.get("access-control-allow-credentials"),
        None::<&HeaderValue>
    );
}
