use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};

use super::*;
use crate::near::Near;

const SECRET: &[u8] = b"a secret of the tests";
const NOW: i64 = 1_800_000_000_000;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(NOW)
    }
}

fn tokens() -> Tokens {
    Tokens::new(SECRET, Arc::new(FixedClock))
}

/// A token as another program makes it, with any header.
fn token(header: &str, claims: &str, secret: &[u8]) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    format!(
        "{message}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

fn verify(header: &str, claims: &str) -> Result<Caller, TokenError> {
    tokens().verify(&token(header, claims, SECRET))
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const FUTURE: &str = r#""exp":1800000001"#;

#[test]
fn what_was_signed_is_read_again() {
    let caller = Caller {
        user_id: UserId::parse("-4").unwrap(),
        name: Some("Ann".to_owned()),
        scope: Scope::Operator,
        expires_at: Timestamp(NOW + 60_000),
        session_id: None,
        is_verified: false,
    };
    assert_eq!(tokens().verify(&tokens().sign(&caller)), Ok(caller));
}

#[test]
fn tokens_of_a_host_application_count() {
    let claims = format!(r#"{{"sub":"user-id-1",{FUTURE},"name":" Bo\u0000b ","aud":"x","k":1}}"#);
    let caller = verify(HS256, &claims).unwrap();
    assert_eq!(caller.user_id.as_str(), "user-id-1");
    assert_eq!(caller.name.as_deref(), Some("Bob"));
    assert_eq!(caller.scope, Scope::Person);
    for (given, name) in [("\u{202e}Bob", Some("Bob")), ("\u{200b}", None)] {
        let claims = format!(r#"{{"sub":"a",{FUTURE},"name":"{given}"}}"#);
        assert_eq!(verify(HS256, &claims).unwrap().name.as_deref(), name);
    }
}

#[test]
fn other_algorithms_and_keys_by_name_are_refused() {
    let claims = format!(r#"{{"sub":"a",{FUTURE}}}"#);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"HS256","kid":"1"}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","crit":["b64"]}"#,
    ] {
        assert_eq!(
            verify(header, &claims),
            Err(TokenError::Algorithm),
            "{header}"
        );
    }
}

#[test]
fn missing_claims_bad_signatures_and_rubbish_are_refused() {
    for claims in [
        r#"{"sub":"a"}"#,
        r#"{"exp":1800000001}"#,
        "{}",
        "[]",
        "no JSON",
    ] {
        assert_eq!(verify(HS256, claims), Err(TokenError::Invalid), "{claims}");
    }
    let claims = format!(r#"{{"sub":"a",{FUTURE}}}"#);
    let foreign = token(HS256, &claims, b"another secret");
    assert_eq!(tokens().verify(&foreign), Err(TokenError::Invalid));
    let good = token(HS256, &claims, SECRET);
    let unsigned = good.rsplit_once('.').unwrap().0;
    for text in [
        unsigned,
        &format!("{unsigned}."),
        "a.b.c",
        "...",
        "é",
        &"a".repeat(9_000),
    ] {
        assert_eq!(tokens().verify(text), Err(TokenError::Invalid), "{text}");
    }
    assert_eq!(tokens().verify(""), Err(TokenError::Missing));
}

#[test]
fn times_and_subjects_are_judged() {
    let check = |claims: &str| verify(HS256, claims).unwrap_err();
    assert_eq!(
        check(r#"{"sub":"a","exp":1800000000}"#),
        TokenError::Expired
    );
    assert_eq!(
        check(r#"{"sub":"a","exp":1e300,"nbf":1800000001}"#),
        TokenError::NotYetValid
    );
    assert!(matches!(
        check(&format!(r#"{{"sub":"",{FUTURE}}}"#)),
        TokenError::Subject(_)
    ));
    let long = "x".repeat(65);
    assert!(matches!(
        check(&format!(r#"{{"sub":"{long}",{FUTURE}}}"#)),
        TokenError::Subject(_)
    ));
}

/// A token without the signature of a key that counts is never taken, whatever it looks like.
#[test]
fn fuzz_tokens() {
    let claims = format!(r#"{{"sub":"a",{FUTURE}}}"#);
    let good = tokens().sign(&Caller {
        user_id: UserId::parse("a").unwrap(),
        name: None,
        scope: Scope::Person,
        expires_at: Timestamp(NOW + 60_000),
        session_id: None,
        is_verified: false,
    });
    let foreign = token(HS256, &claims, b"another secret");
    let unsigned = token(r#"{"alg":"none"}"#, &claims, SECRET);
    bolero::check!().with_type::<Near>().for_each(|near| {
        let text = near.text(&[&good, &foreign, &unsigned]);
        let read = tokens().verify(&text);
        assert!(read.is_err() || text == good, "{text}");
    });
}

/// Of what the key did sign, only claims count that name a person and a time to come.
#[test]
fn fuzz_claims() {
    let claims = [
        format!(r#"{{"sub":"a",{FUTURE},"name":"Ann","nbf":1.5,"scope":"operator x"}}"#),
        r#"{"sub":"a","exp":1e400,"iss":["x"],"aud":"x","email_verified":true}"#.to_owned(),
    ];
    let claims: Vec<&str> = claims.iter().map(String::as_str).collect();
    let headers = [HS256, r#"{"alg":"HS256","kid":"1","crit":["b64"]}"#];
    bolero::check!()
        .with_type::<(Near, Near)>()
        .for_each(|(header, payload)| {
            let (header, payload) = (header.text(&headers), payload.text(&claims));
            let Ok(caller) = verify(&header, &payload) else {
                return;
            };
            // Numbers that nobody asks for may be greater than those that are read here.
            let Ok(said) = serde_json::from_str::<Value>(&payload) else {
                return;
            };
            assert_eq!(said["sub"], caller.user_id.as_str());
            assert!(caller.expires_at.0 > NOW, "{payload}");
            let is_operator = said["scope"]
                .as_str()
                .is_some_and(|it| it.contains("operator"));
            assert!(is_operator || caller.scope == Scope::Person, "{payload}");
            let header: Value = serde_json::from_str(&header).expect("headers are JSON");
            assert_eq!(header["alg"], "HS256");
            assert!(header.get("kid").is_none() && header.get("crit").is_none());
        });
}
