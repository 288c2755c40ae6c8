//! JSON bodies: what is wrong is said with a pointer to the field.

use semel_core::Refusal;
use semel_protocol::Code;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// Reads a body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    if std::str::from_utf8(body).is_err() {
        return Err(malformed("the body is not UTF-8"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refusal(error.path(), error.inner()))?;
    deserializer
        .end()
        .map_err(|error| malformed(&error.to_string()))?;
    // serde takes the members of an object from a list too, by their order.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Refusal::invalid("", "the body must be an object"));
    }
    Ok(value)
}

fn malformed(detail: &str) -> Refusal {
    Refusal::new(Code::MalformedBody, detail)
}

/// What is wrong with a body, and where.
pub(crate) fn refusal(path: &Path, error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    if error.classify() != Category::Data {
        return malformed(&text);
    }
    // The place in the text is for malformed bodies; a wrong field has a pointer.
    let detail = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(detail, _)| detail);
    Refusal::invalid(&pointer(path, detail), detail)
}

/// RFC 6901. The path ends at the object whose member is missing or unknown; the member is named in the text.
fn pointer(path: &Path, detail: &str) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&escape(key)),
            Segment::Enum { variant } => pointer.push_str(&escape(variant)),
            Segment::Unknown => pointer.push('?'),
        }
    }
    let member = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|words| detail.strip_prefix(words))
        .and_then(|rest| rest.split('`').next())
        .map(|member| format!("/{}", escape(member)));
    match member {
        Some(member) if !pointer.ends_with(&member) => pointer + &member,
        _ => pointer,
    }
}

fn escape(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use semel_protocol::requests::{ChangeThread, CreateOrGet, EditMessage, SendMessage};

    use super::*;

    fn check<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (Code, String) {
        let refusal = read::<T>(body.as_bytes()).unwrap_err();
        let pointer = refusal.errors.first().map(|error| error.pointer.clone());
        (refusal.code, pointer.unwrap_or_default())
    }

    #[test]
    fn req_d11_wrong_fields_are_named_by_pointer() {
        let invalid = |pointer: &str| (Code::InvalidRequest, pointer.to_owned());
        assert_eq!(check::<CreateOrGet>("{}"), invalid("/participants"));
        assert_eq!(
            check::<CreateOrGet>(r#"{"participants":["a",""]}"#),
            invalid("/participants/1")
        );
        assert_eq!(
            check::<CreateOrGet>(r#"{"participants":[],"x":1}"#),
            invalid("/x")
        );
        assert_eq!(
            check::<CreateOrGet>(r#"{"participants":7}"#),
            invalid("/participants")
        );
        assert_eq!(check::<CreateOrGet>(r#"[["a"]]"#).0, Code::InvalidRequest);
        assert_eq!(check::<EditMessage>(r#"["words"]"#), invalid(""));
        let settings = r#"{"settings":{"history":"never"}}"#;
        assert_eq!(
            check::<ChangeThread>(settings),
            invalid("/settings/history")
        );
        assert_eq!(
            check::<ChangeThread>(r#"{"settings":{"a/b":1}}"#),
            invalid("/settings/a~1b")
        );
        let twice = r#"{"participants":[],"participants":[]}"#;
        assert_eq!(check::<CreateOrGet>(twice), invalid("/participants"));
        let client_id = r#"{"client_id":"7","content":"x"}"#;
        assert_eq!(check::<SendMessage>(client_id), invalid("/client_id"));
    }

    #[test]
    fn req_d11_what_is_no_json_is_malformed() {
        for body in ["", "{", "nul", "{}{}", "{} x", "\u{feff}{}"] {
            assert_eq!(check::<ChangeThread>(body).0, Code::MalformedBody, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(read::<serde_json::Value>(deep.as_bytes()).is_err());
        assert_eq!(
            read::<ChangeThread>(b"\"\xff\"").unwrap_err().code,
            Code::MalformedBody
        );
    }
}
