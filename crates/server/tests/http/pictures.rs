//! Pictures of people and groups: what is taken, what is kept, who gets it.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use reqwest::{Method, StatusCode};
use semel_protocol::limits::{
    PICTURE_BYTES_MAX, PICTURE_UPLOADED_PIXELS_MAX, PICTURES_PER_PERSON_DAY_MAX,
    UPLOADS_PER_PERSON_DAY_MAX,
};
use serde_json::json;

use crate::support::{Answer, Client, TestServer, text};

const UPLOAD: &str = "/api/pictures";

/// A picture like no other.
pub(crate) fn png(color: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::from_pixel(16, 8, Rgb([color, 5 * color, 255 - color]));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn upload(who: &Client, bytes: impl Into<Vec<u8>>) -> Answer {
    let call = who.call(Method::POST, UPLOAD).bytes(bytes);
    call.header("content-type", "image/png").send().await
}

async fn uploaded(who: &Client, bytes: Vec<u8>) -> String {
    text(&upload(who, bytes).await.success()["picture"])
}

async fn change_me(who: &Client, picture: &str) -> Answer {
    let call = who.call(Method::PATCH, "/api/users/me");
    call.json(&json!({"picture": picture})).send().await
}

#[tokio::test]
async fn p_picture_1_content_decides_whatever_the_type_is_said_to_be() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    for (color, said) in (1..).zip(["image/jpeg", "text/html", "image/svg+xml"]) {
        let call = ann.call(Method::POST, UPLOAD).bytes(png(color));
        let made = call.header("content-type", said).send().await;
        let made = made.expect(StatusCode::CREATED);
        let data = made.success();
        assert_eq!(made.header("location"), text(&data["picture"]));
        assert_eq!((&data["width"], &data["height"]), (&json!(16), &json!(8)));
        let found = server.stranger().get(&text(&data["picture"])).await;
        assert_eq!(found.header("content-type"), "image/jpeg");
    }
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for bad in [
        svg.as_bytes(),
        b"",
        b"{}",
        b"<html><script>1</script>",
        &png(9)[..40],
    ] {
        upload(&ann, bad).await.invalid("");
    }
}

#[tokio::test]
async fn a_packed_upload_is_refused_without_a_word_of_json() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let call = ann.call(Method::POST, UPLOAD).bytes(png(1));
    let refused = call.header("content-encoding", "gzip").send().await;
    let problem = refused.problem("unsupported_media_type");
    assert_eq!(problem["detail"], "compressed bodies are not read");
    assert!(!text(&problem["title"]).contains("JSON"), "{problem}");
}

#[tokio::test]
async fn p_picture_2_the_same_upload_twice_is_one_picture() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let first = upload(&ann, png(1)).await.expect(StatusCode::CREATED);
    let again = upload(&ann, png(1)).await.expect(StatusCode::OK);
    assert_eq!(first.success(), again.success());
    assert_ne!(uploaded(&bob, png(1)).await, uploaded(&ann, png(1)).await);
    let keyed = |color: u8| {
        let call = ann.call(Method::POST, UPLOAD).key("k");
        call.bytes(png(color)).send()
    };
    assert_eq!(keyed(2).await.status, StatusCode::CREATED);
    assert!(keyed(2).await.is_replay());
    keyed(3).await.problem("idempotency_key_reused");
}

#[tokio::test]
async fn p_picture_3_an_upload_has_at_most_512_kilobytes() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    // What comes after the end of a picture is not looked at.
    let mut bytes = png(1);
    bytes.resize(PICTURE_BYTES_MAX, b'x');
    upload(&ann, bytes.clone())
        .await
        .expect(StatusCode::CREATED);
    bytes.push(b'x');
    let refused = upload(&ann, bytes).await;
    refused.problem("body_too_large");
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn p_picture_3_a_person_uploads_50_new_pictures_a_day() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let max = PICTURES_PER_PERSON_DAY_MAX as u8;
    for color in 0..max {
        uploaded(&ann, png(color)).await;
    }
    let refused = upload(&ann, png(max)).await;
    refused.problem("rate_limited");
    assert_ne!(refused.header("retry-after"), "");
    upload(&ann, png(0)).await.expect(StatusCode::OK);
    upload(&bob, png(max)).await.expect(StatusCode::CREATED);
    server.clock.advance_ms(86_400_001);
    let ann = server.user("ann");
    upload(&ann, png(max)).await.expect(StatusCode::CREATED);
}

/// As large as a picture may be, and so much work that others come meanwhile.
fn large(color: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let side = PICTURE_UPLOADED_PIXELS_MAX;
    let image = GrayImage::from_pixel(side, side, Luma([color]));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn p_picture_3_one_persons_uploads_are_read_one_after_the_other() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let bytes = large(1);
    assert!(bytes.len() <= PICTURE_BYTES_MAX);
    let many = (0..30).map(|_| upload(&ann, bytes.clone()));
    let of_bob = async {
        // Hers are there before.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        upload(&bob, png(1)).await.expect(StatusCode::CREATED);
    };
    let (of_ann, ()) = tokio::join!(futures_util::future::join_all(many), of_bob);
    let (mut taken, mut refused) = (0, 0);
    for answer in of_ann {
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            answer.problem("rate_limited");
            assert_eq!(answer.header("retry-after"), "5");
            refused += 1;
        } else {
            answer.success();
            taken += 1;
        }
    }
    // One is read, seven wait.
    assert!(taken >= 1 && refused >= 22, "{taken} {refused}");
}

#[tokio::test]
async fn p_picture_3_who_hangs_up_has_their_turn_until_the_picture_is_read() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let left = 4;
    for _ in left..UPLOADS_PER_PERSON_DAY_MAX {
        upload(&ann, &b"no picture"[..]).await.invalid("");
    }
    // Each counts once its turn has come. Reading takes longer than all of this together.
    let bytes = large(1);
    for _ in 0..2 * left {
        let hung_up = upload(&ann, bytes.clone());
        let moment = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(moment, hung_up).await.is_err());
    }
    upload(&ann, png(1)).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn p_picture_3_an_upload_counts_whatever_comes_of_it() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let keyed = || {
        let call = ann.call(Method::POST, UPLOAD).key("k");
        call.bytes(png(1)).send()
    };
    for number in 0..UPLOADS_PER_PERSON_DAY_MAX {
        match number % 3 {
            0 => upload(&ann, &b"no picture"[..]).await.invalid(""),
            1 => drop(uploaded(&ann, png(1)).await),
            _ => drop(keyed().await.success()),
        }
    }
    for bytes in [png(2), png(1), b"no picture".to_vec()] {
        let refused = upload(&ann, bytes).await;
        refused.problem("rate_limited");
        assert_ne!(refused.header("retry-after"), "");
    }
    upload(&bob, png(1)).await.expect(StatusCode::CREATED);
    server.clock.advance_ms(86_400_001);
    let ann = server.user("ann");
    upload(&ann, png(2)).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn p_picture_4_who_knows_an_address_does_not_have_the_picture() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let picture = uploaded(&ann, png(1)).await;
    change_me(&ann, &picture).await.success();
    change_me(&bob, &picture).await.invalid("/picture");
    let thread = bob.group(&[&ann]).await;
    let call = bob.call(Method::PATCH, &format!("/api/chat/threads/{thread}"));
    let call = call.json(&json!({"picture": picture}));
    call.send().await.invalid("/picture");
}

#[tokio::test]
async fn p_picture_7_pictures_elsewhere_are_for_operators_where_the_server_lets_them() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let operator = server.operator();
    let elsewhere = "https://example.org/a.png";
    let give = |picture: &str| {
        let call = operator.call(Method::PUT, "/api/users/ann");
        call.json(&json!({"picture": picture})).send()
    };
    give(elsewhere).await.invalid("/picture");
    server.app.let_outside_pictures();
    give("http://example.org/a.png").await.invalid("/picture");
    let given = give(elsewhere).await.success();
    assert_eq!(given["user"]["picture"], elsewhere);
    change_me(&ann, elsewhere).await.invalid("/picture");
    change_me(&ann, "").await.success();
}

#[tokio::test]
async fn p_picture_4_people_and_groups_have_pictures_that_are_there() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let picture = uploaded(&ann, png(1)).await;
    let me = change_me(&ann, &picture).await.success();
    assert_eq!(me["user"]["picture"], picture.as_str());
    let seen = bob.get("/api/users/ann").await.success();
    assert_eq!(seen["user"]["picture"], picture.as_str());
    let thread = ann.group(&[&bob]).await;
    let path = format!("/api/chat/threads/{thread}");
    let of_group = |picture: &str| {
        let call = ann.call(Method::PATCH, &path);
        call.json(&json!({"picture": picture})).send()
    };
    let changed = of_group(&picture).await.success();
    assert_eq!(changed["thread"]["picture"], picture.as_str());
    let (kept, last) = picture.split_at(picture.len() - 1);
    let other = format!("{kept}{}", if last == "0" { "1" } else { "0" });
    for bad in [
        &other,
        &format!("/{picture}"),
        &format!("{picture}?"),
        "/api/pictures/",
    ] {
        change_me(&ann, bad).await.invalid("/picture");
        of_group(bad).await.invalid("/picture");
    }
    let me = ann.get("/api/users/me").await.success();
    assert_eq!(me["user"]["picture"], picture.as_str());
    change_me(&ann, "").await.success();
}

#[tokio::test]
async fn p_picture_5_a_picture_is_for_whoever_knows_its_address_and_never_changes() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let picture = uploaded(&ann, png(1)).await;
    let stranger = server.stranger();
    let get = |method: Method| stranger.call(method, &picture);
    let found = get(Method::GET).0.send().await.unwrap();
    assert_eq!(found.status(), StatusCode::OK);
    let headers = found.headers().clone();
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("cache-control", "private, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        ),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let bytes = found.bytes().await.unwrap();
    let image = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap();
    assert_eq!((image.width(), image.height()), (16, 8));
    let head = get(Method::HEAD).send().await.expect(StatusCode::OK);
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    assert_eq!(head.body, "");
    let tag = headers["etag"].to_str().unwrap();
    let known = get(Method::GET).header("if-none-match", tag).send().await;
    assert_eq!(
        (known.status, known.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    let other = get(Method::GET).header("if-none-match", "\"x\"");
    other.send().await.expect(StatusCode::OK);
    for nothing in [
        "/api/pictures/x",
        "/api/pictures/0190b5c8-0000-7000-8000-000000000001",
        &picture
            .to_uppercase()
            .replace("/API/PICTURES", "/api/pictures"),
    ] {
        let absent = stranger.get(nothing).await;
        absent.problem("not_found");
        assert_eq!(absent.header("cache-control"), "no-store");
    }
}
