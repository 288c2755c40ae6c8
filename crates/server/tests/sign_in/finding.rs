//! People are found by numbers that they have shown to be theirs.

use reqwest::Method;
use serde_json::{Value, json};

use super::place::{Place, send};

const ANN: &str = "+49 30 12345678";
const BOB: &str = "+49 30 87654321";

#[tokio::test(flavor = "multi_thread")]
async fn p_people_2_a_number_finds_whoever_allows_it() {
    let place = Place::new().await;
    let ann = place.sign_in(ANN).await;
    let bob = place.sign_in(BOB).await.text("access_token");
    let (ann_id, ann) = (ann.text("user_id"), ann.text("access_token"));
    let find = async |phone: &str| {
        let found = place.post_as(&bob, "/api/users/find", json!({"phone": phone}));
        found.await.data()["user"].clone()
    };
    assert_eq!(find(ANN).await, Value::Null, "nobody is until they say so");
    let allow = place.call(Method::PATCH, "/api/users/me/findability");
    let allow = allow.bearer_auth(&ann).json(&json!({"phone": "everybody"}));
    send(allow).await.data();
    let found = find("+49-(0)30-12345678").await;
    assert_eq!(found["user_id"], json!(ann_id));
    assert!(
        !found.to_string().contains("12345678"),
        "the number is not told: {found}"
    );
    assert_eq!(find("+49 30 12345679").await, Value::Null);
}
