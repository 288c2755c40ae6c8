//! The bytes that are stored under an idempotency key and sent.

use semel_core::{Answer, Refusal, actions::Outcome, ports::Renderer, row::MessageRow};
use serde_json::Value;

use super::{answer, message};

/// Renders decisions as the JSON of the HTTP interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonRenderer;

impl Renderer for JsonRenderer {
    fn render(&self, result: &Result<Outcome, Refusal>, request_id: &str) -> Answer {
        answer(result, request_id)
    }

    fn redact(&self, body: &[u8], row: &MessageRow) -> Vec<u8> {
        // A body that cannot be read cannot be cleaned: it goes as a whole.
        let Ok(mut json) = serde_json::from_slice(body) else {
            return b"{}".to_vec();
        };
        let tombstone = serde_json::to_value(message(row)).expect("a message is plain JSON");
        replace(&mut json, &row.id.to_string(), &tombstone);
        serde_json::to_vec(&json).expect("JSON stays JSON")
    }
}

/// Replaces every copy of a message, however deep.
fn replace(json: &mut Value, id: &str, tombstone: &Value) {
    match json {
        Value::Object(fields) => {
            let is_it = fields.get("id").and_then(Value::as_str) == Some(id);
            if is_it && fields.contains_key("content") {
                json.clone_from(tombstone);
                return;
            }
            fields
                .values_mut()
                .for_each(|value| replace(value, id, tombstone));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| replace(item, id, tombstone)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use semel_protocol::{
        MessageId, ThreadId, Timestamp, UserId, limits::REACTION_USERS_SHOWN_MAX,
        message::MessageKind,
    };
    use uuid::Uuid;

    use super::*;
    use crate::convert::{Data, envelope};

    fn row(id: u128, content: &str) -> MessageRow {
        MessageRow {
            id: MessageId(Uuid::from_u128(id)),
            thread_id: ThreadId(Uuid::from_u128(9)),
            seq: 1,
            first_rev: 2,
            rev: 2,
            count: 1,
            sender_id: UserId::parse("ann").unwrap(),
            client_id: None,
            kind: MessageKind::Text,
            content: content.to_owned(),
            reply_to: None,
            reactions: Vec::new(),
            created_at: Timestamp(0),
            edited_at: None,
            deleted_at: None,
            is_removed: false,
        }
    }

    fn page(rows: &[MessageRow]) -> Vec<u8> {
        envelope(&Data::Messages(semel_protocol::message::MessagePage {
            messages: rows.iter().map(message).collect(),
            from_seq: 1,
            to_seq: 1,
            as_of_rev: 1,
            epoch: 1,
            has_more: false,
        }))
    }

    #[test]
    fn ec_x05_a_stored_body_loses_the_words_of_an_erased_message_and_of_no_other() {
        let body = page(&[row(1, "secret words"), row(2, "other words")]);
        let tombstone = MessageRow {
            deleted_at: Some(Timestamp(5)),
            rev: 3,
            ..row(1, "")
        };
        let redacted = JsonRenderer.redact(&body, &tombstone);
        let text = String::from_utf8(redacted.clone()).unwrap();
        assert!(!text.contains("secret words"), "{text}");
        assert!(text.contains("other words"), "{text}");
        let json: Value = serde_json::from_slice(&redacted).unwrap();
        assert_eq!(
            json["data"]["messages"][0]["deleted_at"],
            "1970-01-01T00:00:00.005Z"
        );
        assert_eq!(json["data"]["messages"][0]["rev"], 3);
    }

    #[test]
    fn a_message_shows_the_first_people_of_a_reaction_and_counts_all() {
        let person = |n: usize| UserId::parse(&format!("user-{n}")).unwrap();
        let people = (0..REACTION_USERS_SHOWN_MAX + 5)
            .map(person)
            .collect::<Vec<_>>();
        let shown = message(&MessageRow {
            reactions: vec![("👍".into(), people)],
            ..row(1, "x")
        });
        assert_eq!(
            shown.reactions[0].count,
            REACTION_USERS_SHOWN_MAX as u64 + 5
        );
        assert_eq!(shown.reactions[0].user_ids.len(), REACTION_USERS_SHOWN_MAX);
    }
}
