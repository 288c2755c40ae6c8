//! Idempotency keys: how they are read, and the fingerprint that tells a repeat from another request. The same for HTTP
//! and Socket.IO.

use semel_core::IdempotencyKey;
use semel_protocol::limits::IDEMPOTENCY_KEY_CHARACTERS_MAX;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What is wrong with a key, for people.
pub const INVALID_KEY: &str = "an idempotency key has 1 to 255 visible ASCII characters";

/// Reads a key in its bare form; none if it is not valid.
pub fn key(text: &str) -> Option<String> {
    let length_is_good = (1..=IDEMPOTENCY_KEY_CHARACTERS_MAX).contains(&text.len());
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    (length_is_good && is_visible).then(|| text.to_owned())
}

/// What makes two requests the same request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `POST` …; `SOCKET` for events.
    pub method: &'a str,
    /// Path as it was sent; the event's name for events.
    pub path: &'a str,
    /// Query as it was sent, without the question mark.
    pub query: &'a str,
    /// Media type of the body without parameters, lower case; empty without a body.
    pub media_type: &'a str,
    /// The body, without the key where the body carries it.
    pub body: &'a Value,
}

impl Request<'_> {
    /// SHA-256 over method, path, query, media type and canonical body.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut text = Vec::with_capacity(256);
        for part in [self.method, self.path, self.query, self.media_type] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        canonical(self.body, &mut text);
        Sha256::digest(&text).into()
    }

    /// The key together with the fingerprint.
    pub fn under(&self, key: String) -> IdempotencyKey {
        IdempotencyKey {
            key,
            fingerprint: self.fingerprint(),
        }
    }
}

/// JSON without white space, members in the order of their names.
fn canonical(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            text.push(b'[');
            for item in items {
                canonical(item, text);
                text.push(b',');
            }
            text.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push(b'{');
            for (name, member) in members {
                canonical(&Value::String(name.clone()), text);
                text.push(b':');
                canonical(member, text);
                text.push(b',');
            }
            text.push(b'}');
        }
        scalar => text.extend_from_slice(scalar.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(body: &Value) -> Request<'_> {
        Request {
            method: "POST",
            path: "/a",
            query: "",
            media_type: "application/json",
            body,
        }
    }

    #[test]
    fn keys_are_visible_ascii_of_limited_length() {
        assert_eq!(key("a-1"), Some("a-1".to_owned()));
        assert_eq!(key(&"k".repeat(255)).map(|key| key.len()), Some(255));
        for bad in ["", "a b", "é", "\u{7f}", &"k".repeat(256)] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }

    #[test]
    fn order_of_members_does_not_matter_and_everything_else_does() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":[1,2]}"#).unwrap();
        let same: Value = serde_json::from_str(r#"{ "b" : [1, 2], "a": 1 }"#).unwrap();
        let other = json!({"a": 1, "b": [2, 1]});
        assert_eq!(request(&one).fingerprint(), request(&same).fingerprint());
        assert_ne!(request(&one).fingerprint(), request(&other).fingerprint());
        let elsewhere = Request {
            path: "/b",
            ..request(&one)
        };
        assert_ne!(request(&one).fingerprint(), elsewhere.fingerprint());
    }
}
