//! A provider, and tokens that it never signed.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{
    openid::{Provider, Signed},
    place::{Answer, Place, send},
};

/// Where browsers see the server.
pub(crate) const OWN: &str = "https://chat.example";

/// A browser that goes to the provider: where to, and the cookie that it has from now on.
pub(crate) async fn leave(place: &Place) -> (String, String) {
    let call = place.call(Method::POST, "/api/auth/providers/example/start");
    let body = json!({"return_to": "/in", "device_id": "browser"});
    let begun = send(call.header("origin", OWN).json(&body)).await;
    (begun.text("authorization_url"), begun.cookie().unwrap())
}

/// It comes back.
pub(crate) async fn come_back(place: &Place, path: &str, cookie: &str) -> Answer {
    let call = place.call(Method::GET, path);
    send(call.header("cookie", cookie)).await
}

/// The cookie with the refresh token, if it was set.
pub(crate) fn refresh_cookie(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let found = cookies.find(|cookie| cookie.contains("semel_rt_"))?;
    found.split(';').next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_14_an_id_token_that_the_provider_did_not_sign_signs_nobody_in() {
    let provider = Provider::start().await;
    let providers = provider.setting();
    let settings = [("oidc_providers", providers.as_str()), ("public_url", OWN)];
    let place = Place::with(&settings).await;
    let sign_in = async |signed| {
        let (url, cookie) = leave(&place).await;
        come_back(&place, &provider.visit(&url, "ann", signed), &cookie).await
    };
    for signed in [
        Signed::ByAnother,
        Signed::ByItsOwn,
        Signed::Not,
        Signed::ThenChanged,
        Signed::WithThePublicKey,
    ] {
        let back = sign_in(signed).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{signed:?}");
        assert_eq!(
            back.headers["location"], "/in#sign_in_error=sign_in_failed",
            "{signed:?}"
        );
        assert_eq!(refresh_cookie(&back), None, "{signed:?}");
    }
    // The same answer, signed by the provider, signs in: it was the signature.
    let back = sign_in(Signed::Well).await;
    assert_eq!(back.headers["location"], "/in");
    assert!(refresh_cookie(&back).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_14_a_provider_is_asked_once_however_often_a_browser_comes_back_at_once() {
    let provider = Provider::start().await;
    let providers = provider.setting();
    let settings = [("oidc_providers", providers.as_str()), ("public_url", OWN)];
    let place = Place::with(&settings).await;
    let (url, cookie) = leave(&place).await;
    let path = provider.visit(&url, "ann", Signed::Well);
    let hold = provider.hold().await;
    let first = come_back(&place, &path, &cookie);
    let asked = async |times| {
        while provider.exchanges() < times {
            tokio::task::yield_now().await;
        }
    };
    let meanwhile = async {
        asked(1).await;
        // While the provider thinks about it, nobody else goes on.
        let again = tokio::select! {
            again = come_back(&place, &path, &cookie) => again,
            () = asked(2) => panic!("the provider is asked twice"),
        };
        drop(hold);
        again
    };
    let (back, again) = tokio::join!(first, meanwhile);
    assert_eq!(
        again.headers["location"],
        "/in#sign_in_error=sign_in_failed"
    );
    assert_eq!(refresh_cookie(&again), None);
    assert_eq!(back.headers["location"], "/in");
    assert!(refresh_cookie(&back).is_some());
    assert_eq!(provider.exchanges(), 1);
}
