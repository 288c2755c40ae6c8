//! JSON bodies: what is wrong is said with a pointer to the field.

use semel_core::Refusal;
use semel_protocol::Code;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};

use crate::strict::{self, Strict};

/// Reads a body.
pub(super) fn read<T: DeserializeOwned + Serialize>(body: &[u8]) -> Result<T, Refusal> {
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
    // Most bodies have plain members only.
    if body.iter().filter(|byte| b"[{".contains(byte)).count() > 1
        && let Value::Object(given) = members(body)?
    {
        strict::check_forms(&given, &value)?;
    }
    Ok(value)
}

/// A value, if no object in it has a member twice.
pub(crate) fn members(json: &[u8]) -> Result<Value, Refusal> {
    if let Ok(Strict(value)) = serde_json::from_slice(json) {
        return Ok(value);
    }
    // Again, slower, to find out where.
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut deserializer)
        .map(|Strict(value)| value)
        .map_err(|error| refusal(error.path(), error.inner()))
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
    Refusal::invalid(&pointer(path, detail), plain(detail))
}

/// What serde says, in the words of those who write JSON.
fn plain(detail: &str) -> &str {
    let forms = [
        ("a sequence", "must be a list"),
        ("a map", "must be an object"),
        ("a string", "must be a text"),
        ("a boolean", "must be true or false"),
        ("u64", "must be a whole number"),
    ];
    if detail.starts_with("UUID parsing failed") || detail.contains("expected a formatted UUID") {
        return "must be a UUID";
    }
    let expected = detail.rsplit_once(", expected ").map(|(_, form)| form);
    match expected {
        Some(form) if form.starts_with("struct ") => "must be an object",
        Some(form) => forms
            .iter()
            .find(|(name, _)| *name == form)
            .map_or(detail, |(_, words)| words),
        None => detail,
    }
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
    use crate::near::Near;

    fn check<T: DeserializeOwned + Serialize + std::fmt::Debug>(body: &str) -> (Code, String) {
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
    fn what_is_expected_is_said_plainly() {
        let detail = |body: &str| {
            let refusal = read::<SendMessage>(body.as_bytes()).unwrap_err();
            refusal.errors[0].detail.clone()
        };
        let id = "0190b5c8-0000-7000-8000-000000000001";
        let with = |rest: &str| detail(&format!(r#"{{"client_id":"{id}",{rest}}}"#));
        assert_eq!(
            detail(r#"{"client_id":"7","content":"x"}"#),
            "must be a UUID"
        );
        assert_eq!(detail(r#"{"client_id":7,"content":"x"}"#), "must be a UUID");
        assert_eq!(with(r#""content":7"#), "must be a text");
        assert_eq!(with(r#""content":"x","attachments":7"#), "must be a list");
        assert_eq!(
            check::<SendMessage>(&format!(
                r#"{{"client_id":"{id}","content":"x","attachments":[{{"a":1,"a":1}}]}}"#
            )),
            (Code::InvalidRequest, "/attachments/0/a".to_owned())
        );
    }

    #[test]
    fn req_d11_what_is_no_json_is_malformed() {
        for body in ["", "{", "nul", "{}{}", "{} x", "\u{feff}{}"] {
            assert_eq!(check::<ChangeThread>(body).0, Code::MalformedBody, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(read::<Value>(deep.as_bytes()).is_err());
        assert_eq!(
            read::<ChangeThread>(b"\"\xff\"").unwrap_err().code,
            Code::MalformedBody
        );
    }

    /// Whatever is taken is a plain object of the form that is written; whatever is refused says why.
    fn is_read_or_refused<T: DeserializeOwned + Serialize>(body: &[u8]) {
        let Err(refusal) = read::<T>(body) else {
            let value: Value = serde_json::from_slice(body).expect("what is taken is JSON");
            assert!(value.is_object(), "{value}");
            assert_eq!(members(body), Ok(value));
            return;
        };
        assert!(refusal.code == Code::MalformedBody || refusal.code == Code::InvalidRequest);
        assert!(!refusal.detail.is_empty() || !refusal.errors.is_empty());
    }

    #[test]
    fn fuzz_bodies() {
        let id = "0190b5c8-0000-7000-8000-000000000001";
        let send = format!(r#"{{"client_id":"{id}","content":"x","reply_to":null}}"#);
        let samples = [
            r#"{"participants":["ann","bob"],"thread_type":"group","title":"x","distinct":false}"#,
            r#"{"title":"x","settings":{"history":"all"},"title":null}"#,
            &send,
            r#"{"content":"\u0000\ud800"}"#,
            "[[[[[[[[{",
        ];
        bolero::check!().with_type::<Near>().for_each(|near| {
            let body = near.bytes(&samples);
            is_read_or_refused::<CreateOrGet>(&body);
            is_read_or_refused::<ChangeThread>(&body);
            is_read_or_refused::<SendMessage>(&body);
            is_read_or_refused::<EditMessage>(&body);
        });
    }
}
