//! A small renderer: enough JSON to tell answers apart, and to find erased words in.

use semel_core::{
    Answer, Refusal,
    actions::{Outcome, Sent},
    ports::Renderer,
    row::MessageRow,
    view::ThreadView,
};
use serde_json::{Value, json};

/// Renders outcomes as JSON.
pub(crate) struct Json;

fn message(row: &MessageRow) -> Value {
    json!({ "id": row.id.to_string(), "seq": row.seq, "content": row.content })
}

fn thread(view: &ThreadView) -> Value {
    let people = view
        .participants
        .iter()
        .map(|person| person.user_id.as_str());
    json!({
        "id": view.thread.id.to_string(),
        "title": view.title,
        "people": people.collect::<Vec<_>>(),
        "last_message": view.last_message.as_ref().map(message),
    })
}

fn sent(sent: &Sent) -> Value {
    json!({ "message": message(&sent.message), "duplicate": sent.duplicate })
}

fn success(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Thread {
            thread: view,
            created,
            ..
        } => {
            json!({ "thread": thread(view), "created": created })
        }
        Outcome::Existing(view) => json!({ "thread": view.as_deref().map(thread) }),
        Outcome::Conversation {
            thread: view,
            sent: said,
            ..
        } => {
            json!({ "thread": thread(view), "sent": sent(said) })
        }
        Outcome::Expanded {
            thread: view,
            sent: said,
            ..
        } => {
            json!({ "thread": thread(view), "sent": said.as_deref().map(sent) })
        }
        Outcome::Changed(view) => json!({ "thread": thread(view) }),
        Outcome::Sent(said) => sent(said),
        Outcome::SentBatch(items) => {
            let item = |item: &Result<Sent, Refusal>| match item {
                Ok(said) => sent(said),
                Err(refusal) => json!(refusal.code.as_str()),
            };
            json!(items.iter().map(item).collect::<Vec<_>>())
        }
        Outcome::Message(row) => message(row),
        other => json!(format!("{other:?}")),
    }
}

fn erase(value: &mut Value, id: &str) {
    match value {
        Value::Object(fields) => {
            if fields.get("id").is_some_and(|found| found == id) && fields.contains_key("content") {
                fields["content"] = json!("");
            }
            fields.values_mut().for_each(|field| erase(field, id));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| erase(item, id)),
        _ => {}
    }
}

impl Renderer for Json {
    fn render(&self, result: &Result<Outcome, Refusal>, _request_id: &str) -> Answer {
        let (status, body) = match result {
            Ok(outcome) => (200, success(outcome)),
            Err(refusal) => (
                refusal.code.status(),
                json!({ "code": refusal.code.as_str() }),
            ),
        };
        Answer {
            status,
            body: body.to_string().into_bytes(),
            location: None,
        }
    }

    fn redact(&self, body: &[u8], message: &MessageRow) -> Vec<u8> {
        let mut body: Value = serde_json::from_slice(body).expect("a stored body is JSON");
        erase(&mut body, &message.id.to_string());
        body.to_string().into_bytes()
    }
}
