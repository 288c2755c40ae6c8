//! The `Idempotency-Key` header: bare, or a quoted string of structured fields (RFC 9651) whose parameters are ignored.

use axum::http::HeaderMap;
use semel_core::Refusal;
use semel_protocol::Code;

use crate::idempotency;

/// The header's name.
pub(super) const HEADER: &str = "idempotency-key";

/// The key; none without the header.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(invalid("send one `Idempotency-Key`, not several"));
    }
    let text = value
        .to_str()
        .map_err(|_| invalid(idempotency::INVALID_KEY))?
        .trim();
    let bare = if text.starts_with('"') {
        unquote(text)
    } else {
        Some(text.to_owned())
    };
    // A quote inside a bare key is what is left of several keys that were joined.
    let is_whole = |key: &String| text.starts_with('"') || !key.contains('"');
    let key = bare.filter(is_whole).and_then(|key| idempotency::key(&key));
    key.map(Some)
        .ok_or_else(|| invalid(idempotency::INVALID_KEY))
}

fn invalid(detail: &str) -> Refusal {
    Refusal::new(Code::InvalidIdempotencyKey, detail)
}

/// The content of a quoted string that is followed by nothing but parameters.
fn unquote(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => key.push(
                characters
                    .next()
                    .filter(|next| matches!(next, '"' | '\\'))?,
            ),
            character => key.push(character),
        }
    }
    let rest = characters.as_str();
    (rest.is_empty() || rest.starts_with(';')).then_some(key)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(values: &[&[u8]]) -> Result<Option<String>, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        read(&headers).map_err(|refusal| refusal.code)
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it is compared with what the check gives"
    )]
    fn key(text: &str) -> Result<Option<String>, Code> {
        Ok(Some(text.to_owned()))
    }

    const INVALID: Result<Option<String>, Code> = Err(Code::InvalidIdempotencyKey);

    #[test]
    fn ec_h01_no_header_is_no_key() {
        assert_eq!(check(&[]), Ok(None));
    }

    #[test]
    fn ec_h04_empty_keys_are_refused() {
        for value in ["", "\"\"", "   ", "\"\";v=1"] {
            assert_eq!(check(&[value.as_bytes()]), INVALID, "{value:?}");
        }
    }

    #[test]
    fn ec_h05_a_key_has_at_most_255_characters() {
        let (most, beyond) = ("k".repeat(255), "k".repeat(256));
        assert_eq!(check(&[most.as_bytes()]), key(&most));
        assert_eq!(check(&[format!("\"{most}\"").as_bytes()]), key(&most));
        assert_eq!(check(&[beyond.as_bytes()]), INVALID);
        assert_eq!(check(&[format!("\"{beyond}\"").as_bytes()]), INVALID);
    }

    #[test]
    fn ec_h07_a_header_that_is_sent_twice_is_refused() {
        assert_eq!(check(&[b"a", b"a"]), INVALID);
        assert_eq!(check(&[b"a", b"b"]), INVALID);
        assert_eq!(check(&[b"\"aa", b"bb\""]), INVALID);
        assert_eq!(check(&[b"\"aa, bb\""]), INVALID);
        assert_eq!(check(&[b"\"aa\", \"bb\""]), INVALID);
    }

    #[test]
    fn ec_h08_parameters_of_a_quoted_key_are_ignored() {
        assert_eq!(check(&[b"\"abc\";v=1"]), key("abc"));
        assert_eq!(check(&[b"\"a\\\"b\\\\\""]), key("a\"b\\"));
        assert_eq!(check(&[b"abc"]), key("abc"));
    }

    #[test]
    fn ec_h10_case_counts() {
        assert_ne!(check(&[b"Key"]), check(&[b"key"]));
    }

    #[test]
    fn keys_are_visible_ascii() {
        for value in ["a b", "\"a b\"", "a\"b", "\"abc", "\"abc\"x", "\"a\\x\""] {
            assert_eq!(check(&[value.as_bytes()]), INVALID, "{value:?}");
        }
        assert_eq!(check(&["é".as_bytes()]), INVALID);
    }
}
