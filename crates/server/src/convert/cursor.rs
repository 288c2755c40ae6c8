//! Where pages begin, as opaque texts. They only name a place: what may be seen is checked anew for every page.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use semel_core::{Refusal, queries::SyncPlace, safety::ReportPlace};
use semel_protocol::{AuditId, ReportId, Rev, ThreadId, Timestamp, UserId};

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

/// After this part of what a device missed.
pub fn of_sync(place: SyncPlace) -> String {
    match place {
        SyncPlace::Thread(time, id) => of_thread((time, id)),
        SyncPlace::Profile(number) => encode(&format!("profile.{number}")),
    }
}

/// Reads [`of_sync`].
pub fn sync(text: &str, pointer: &str) -> Result<SyncPlace, Refusal> {
    let number = || decode(text)?.strip_prefix("profile.")?.parse().ok();
    match number() {
        Some(number) => Ok(SyncPlace::Profile(number)),
        None => thread(text, pointer).map(|(time, id)| SyncPlace::Thread(time, id)),
    }
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

/// After this report.
pub fn of_report((resolved_at, id): ReportPlace) -> String {
    let time = resolved_at.map_or(0, |time| time.0);
    encode(&format!("{time}.{id}"))
}

/// Reads [`of_report`].
pub fn report(text: &str, pointer: &str) -> Result<ReportPlace, Refusal> {
    let read = || {
        let text = decode(text)?;
        let (time, id) = text.split_once('.')?;
        let time: i64 = time.parse().ok()?;
        Some((
            Some(Timestamp(time)).filter(|_| time != 0),
            id.parse::<ReportId>().ok()?,
        ))
    };
    read().ok_or_else(|| invalid(pointer))
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
    use crate::near::Near;

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
        for place in [SyncPlace::Thread(place.0, place.1), SyncPlace::Profile(9)] {
            assert_eq!(sync(&of_sync(place), "/cursor"), Ok(place));
        }
        let report_id = ReportId(uuid::Uuid::from_u128(8));
        for place in [(None, report_id), (Some(Timestamp(5)), report_id)] {
            assert_eq!(report(&of_report(place), "?cursor"), Ok(place));
        }
        assert!(thread("%%%", "?cursor").is_err());
        assert!(thread(&of_participant(1, &UserId::parse("x").unwrap()), "?cursor").is_err());
    }

    #[test]
    fn fuzz_cursors() {
        let id = UserId::parse("a.b/c é").unwrap();
        let samples = [
            format!("1700000000123.{}", uuid::Uuid::from_u128(7)),
            format!("3.{id}"),
            "profile.7".to_owned(),
            id.to_string(),
            uuid::Uuid::from_u128(8).to_string(),
        ];
        let samples: Vec<&str> = samples.iter().map(String::as_str).collect();
        let encoded = |near: &Near| BASE64_URL_SAFE_NO_PAD.encode(near.bytes(&samples));
        bolero::check!()
            .with_type::<(Near, bool)>()
            .for_each(|(near, is_encoded)| {
                let cursor = if *is_encoded {
                    encoded(near)
                } else {
                    near.text(&samples)
                };
                if let Ok(place) = thread(&cursor, "") {
                    assert_eq!(thread(&of_thread(place), ""), Ok(place));
                }
                if let Ok(place) = sync(&cursor, "") {
                    assert_eq!(sync(&of_sync(place), ""), Ok(place));
                }
                if let Ok((rev, id)) = participant(&cursor, "") {
                    assert_eq!(participant(&of_participant(rev, &id), ""), Ok((rev, id)));
                }
                if let Ok(id) = contact(&cursor, "") {
                    assert_eq!(contact(&of_contact(&id), ""), Ok(id));
                }
                if let Ok(id) = audit(&cursor, "") {
                    assert_eq!(audit(&of_audit(id), ""), Ok(id));
                }
                if let Ok(place) = report(&cursor, "") {
                    assert_eq!(report(&of_report(place), ""), Ok(place));
                }
            });
    }
}
