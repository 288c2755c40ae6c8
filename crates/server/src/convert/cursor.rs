//! Where pages begin, as opaque texts. They only name a place: what may be seen is checked anew for every page.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use semel_core::Refusal;
use semel_protocol::{AuditId, Rev, ThreadId, Timestamp, UserId};

/// After this thread in the list of a person's threads.
pub fn of_thread((time, id): (Timestamp, ThreadId)) -> String {
    encode(&format!("{}.{id}", time.0))
}

/// Reads [`of_thread`]; `pointer` names the field for the refusal.
pub fn thread(text: &str, pointer: &str) -> Result<(Timestamp, ThreadId), Refusal> {
    let read = || {
        let text = decode(text)?;
        let (time, id) = text.split_once('.')?;
        Some((Timestamp(time.parse().ok()?), id.parse().ok()?))
    };
    read().ok_or_else(|| invalid(pointer))
}

/// After this participant of a thread.
pub fn of_participant(rev: Rev, id: &UserId) -> String {
    encode(&format!("{rev}.{id}"))
}

/// Reads [`of_participant`].
pub fn participant(text: &str, pointer: &str) -> Result<(Rev, UserId), Refusal> {
    let read = || {
        let text = decode(text)?;
        let (rev, id) = text.split_once('.')?;
        Some((rev.parse().ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| invalid(pointer))
}

/// After this contact.
pub fn of_contact(id: &UserId) -> String {
    encode(id.as_str())
}

/// Reads [`of_contact`].
pub fn contact(text: &str, pointer: &str) -> Result<UserId, Refusal> {
    decode(text)
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| invalid(pointer))
}

/// Before this line of the audit log.
pub fn of_audit(id: AuditId) -> String {
    encode(&id.to_string())
}

/// Reads [`of_audit`].
pub fn audit(text: &str, pointer: &str) -> Result<AuditId, Refusal> {
    decode(text)
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| invalid(pointer))
}

fn invalid(pointer: &str) -> Refusal {
    Refusal::invalid(pointer, "not a cursor of an earlier answer")
}

fn encode(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        let place = (
            Timestamp(1_700_000_000_123),
            ThreadId(uuid::Uuid::from_u128(7)),
        );
        assert_eq!(thread(&of_thread(place), "?cursor"), Ok(place));
        let id = UserId::parse("a.b/c é").unwrap();
        assert_eq!(
            participant(&of_participant(3, &id), "?cursor"),
            Ok((3, id.clone()))
        );
        assert_eq!(contact(&of_contact(&id), "?cursor"), Ok(id));
        assert!(thread("%%%", "?cursor").is_err());
        assert!(thread(&of_participant(1, &UserId::parse("x").unwrap()), "?cursor").is_err());
    }
}
