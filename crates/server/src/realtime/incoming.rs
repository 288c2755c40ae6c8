//! What clients send, read strictly.

use std::{borrow::Cow, fmt};

use semel_core::{IdempotencyKey, Refusal, actions::Action};
use semel_protocol::{
    Code, requests,
    socket::{EditOne, OneMessage, React, SendBatch, SendOne, from_client},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::{convert, http, idempotency, strict};

/// The member of every payload that carries an idempotency key.
const KEY: &str = "idempotency_key";

/// An event's name and its first argument.
pub(super) struct Incoming<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) body: Option<&'a RawValue>,
}

/// Reads an event's array; arguments after the first are ignored. None if it is not an array that begins with a name.
pub(super) fn event(json: &str) -> Option<Incoming<'_>> {
    serde_json::from_str(json).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Incoming<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(IncomingVisitor)
    }
}

struct IncomingVisitor;

impl<'de> Visitor<'de> for IncomingVisitor {
    type Value = Incoming<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event's array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Incoming<'de>, A::Error> {
        let name: Option<&RawValue> = items.next_element()?;
        let name = name.ok_or_else(|| A::Error::custom("an event has a name"))?;
        let body = items.next_element()?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        // Names are borrowed, unless they are written with escapes.
        let name = match serde_json::from_str(name.get()) {
            Ok(name) => Cow::Borrowed(name),
            Err(_) => Cow::Owned(serde_json::from_str(name.get()).map_err(A::Error::custom)?),
        };
        Ok(Incoming { name, body })
    }
}

/// The most frequent of all events, in one step: a send of one message whose members are all plain values, without an
/// idempotency key. None if it is something else or anything is wrong with it, which the strict way finds and names.
pub(super) fn plain_send(event: &Incoming<'_>) -> Option<Action> {
    let body = event
        .body
        .filter(|_| event.name == from_client::MESSAGE_SEND)?
        .get();
    let is_flat = |body: &str| !body.bytes().any(|byte| matches!(byte, b'{' | b'['));
    if !body.strip_prefix('{').is_some_and(is_flat) {
        return None;
    }
    serde_json::from_str(body).ok().map(send_one)
}

fn send_one(one: SendOne) -> Action {
    let SendOne {
        thread_id,
        client_id,
        content,
        kind,
        reply_to,
        attachments,
    } = one;
    let message = requests::SendMessage {
        client_id,
        content,
        kind,
        reply_to,
        attachments,
    };
    convert::send(thread_id, message)
}

/// A payload without its idempotency key, and the key under the payload's fingerprint.
pub(super) fn payload(
    event: &Incoming<'_>,
) -> Result<(Map<String, Value>, Option<IdempotencyKey>), Refusal> {
    let body = event.body.map_or("null", RawValue::get);
    let body = http::body::members(body.as_bytes())?;
    let Value::Object(mut body) = body else {
        return Err(Refusal::invalid("", "an event carries one object"));
    };
    let Some(key) = body.remove(KEY) else {
        return Ok((body, None));
    };
    let key = key.as_str().and_then(idempotency::key).ok_or_else(|| {
        let refusal = Refusal::invalid("/idempotency_key", idempotency::INVALID_KEY);
        Refusal {
            code: Code::InvalidIdempotencyKey,
            ..refusal
        }
    })?;
    let body = Value::Object(body);
    let request = idempotency::Request {
        method: "SOCKET",
        path: &event.name,
        query: "",
        media_type: "application/json",
        body: &body,
    };
    let key = request.under(key);
    let Value::Object(body) = body else {
        unreachable!("it was an object above")
    };
    Ok((body, Some(key)))
}

/// The action that an event asks for; none if the event is of another kind.
pub(super) fn action(name: &str, body: Map<String, Value>) -> Result<Action, Refusal> {
    Ok(match name {
        from_client::MESSAGE_SEND if body.contains_key("participants") => {
            convert::start_conversation(read::<requests::StartConversation>(body)?)
        }
        from_client::MESSAGE_SEND if body.contains_key("messages") => {
            let SendBatch {
                thread_id,
                messages,
            } = read(body)?;
            convert::send_batch(thread_id, messages)
        }
        from_client::MESSAGE_SEND => send_one(read(body)?),
        from_client::MESSAGE_EDIT => {
            let EditOne {
                thread_id,
                message_id,
                content,
            } = read(body)?;
            convert::edit_message(thread_id, message_id, requests::EditMessage { content })
        }
        from_client::MESSAGE_DELETE => {
            let OneMessage {
                thread_id,
                message_id,
            } = read(body)?;
            convert::delete_message(thread_id, message_id)
        }
        from_client::REACTION_ADD | from_client::REACTION_REMOVE => {
            let React {
                thread_id,
                message_id,
                emoji,
            } = read(body)?;
            convert::react(
                thread_id,
                message_id,
                emoji,
                name == from_client::REACTION_ADD,
            )
        }
        _ => {
            return Err(Refusal::new(
                Code::UnknownEvent,
                format!("there is no event {name:?}"),
            ));
        }
    })
}

/// Reads a wire type; what is wrong is named by a pointer.
pub(super) fn read<T: DeserializeOwned + Serialize>(
    body: Map<String, Value>,
) -> Result<T, Refusal> {
    let has_forms = body.values().any(|it| it.is_array() || it.is_object());
    let given = has_forms.then(|| body.clone());
    let read = serde_path_to_error::deserialize(Value::Object(body))
        .map_err(|error| http::body::refusal(error.path(), error.inner()))?;
    if let Some(given) = given {
        strict::check_forms(&given, &read)?;
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::near::Near;

    fn refused(json: &str) -> Refusal {
        let event = event(json).unwrap();
        let (body, _) = match payload(&event) {
            Ok(payload) => payload,
            Err(refusal) => return refusal,
        };
        action(&event.name, body).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let id = "0190b5c8-0000-7000-8000-000000000001";
        for no_event in ["", "{}", "[]", "[1]", r#"["cut off""#, r#"abc["a"]"#] {
            assert!(event(no_event).is_none(), "{no_event}");
        }
        assert_eq!(refused(r#"["fly",{}]"#).code, Code::UnknownEvent);
        assert_eq!(refused(r#"["message:send"]"#).errors[0].pointer, "");
        let send =
            format!(r#"["message:send",{{"thread_id":"{id}","client_id":"x","content":""}}]"#);
        assert_eq!(refused(&send).errors[0].pointer, "/client_id");
        let batch =
            format!(r#"["message:send",{{"thread_id":"{id}","messages":[{{"content":1}}]}}]"#);
        assert_eq!(refused(&batch).errors[0].pointer, "/messages/0/content");
        let twice = format!(r#"["message:delete",{{"thread_id":"{id}","thread_id":"{id}"}}]"#);
        assert_eq!(refused(&twice).errors[0].pointer, "/thread_id");
        let list = format!(r#"["message:send",{{"thread_id":"{id}","messages":[["{id}","x"]]}}]"#);
        assert_eq!(refused(&list).errors[0].pointer, "/messages/0");
        let key = r#"["message:delete",{"idempotency_key":""}]"#;
        assert_eq!(refused(key).code, Code::InvalidIdempotencyKey);
    }

    #[test]
    fn a_plain_send_is_read_in_one_step_as_strictly_as_in_many() {
        let id = "0190b5c8-0000-7000-8000-000000000001";
        let ids = format!(r#""thread_id":"{id}","client_id":"{id}""#);
        let both = |members: &str| {
            let json = format!(r#"["message:send",{{{ids},{members}}}]"#);
            let event = event(&json).unwrap();
            let strict =
                payload(&event).and_then(|(body, key)| Ok((action(&event.name, body)?, key)));
            (plain_send(&event), strict)
        };
        let plain = [
            r#""content":"caf\u00e9 }] \"""#.to_owned(),
            format!(r#""kind":"text","reply_to":"{id}","content":"x""#),
            r#""reply_to":null,"content":"""#.to_owned(),
        ];
        for members in plain {
            let (one, strict) = both(&members);
            let (strict, key) = strict.unwrap();
            assert!(key.is_none());
            assert_eq!(format!("{:?}", one.expect(&members)), format!("{strict:?}"));
        }
        for members in [
            r#""content":"x","idempotency_key":"k""#,
            r#""content":"x","attachments":[]"#,
            r#""content":"x","content":"y""#,
            r#""content":"x","kind":{"text":null}"#,
            r#""content":"x","participants":null"#,
            r#""content":1"#,
            r#""x":1"#,
        ] {
            assert!(both(members).0.is_none(), "{members}");
        }
        for json in [
            format!(r#"["message:send",["{id}","{id}","x"]]"#),
            format!(r#"["message:edit",{{{ids},"content":"x"}}]"#),
            r#"["message:send"]"#.to_owned(),
        ] {
            assert!(plain_send(&event(&json).unwrap()).is_none(), "{json}");
        }
    }

    #[test]
    fn names_may_be_written_with_escapes() {
        assert_eq!(event(r#"["a\u0062",1,2,{}]"#).unwrap().name, "ab");
    }

    #[test]
    fn a_key_belongs_to_event_and_body() {
        let of = |json: &str| {
            payload(&event(json).unwrap())
                .unwrap()
                .1
                .unwrap()
                .fingerprint
        };
        let first = of(r#"["a",{"x":1,"y":2,"idempotency_key":"k"}]"#);
        assert_eq!(first, of(r#"["a",{"idempotency_key":"k","y":2,"x":1}]"#));
        assert_ne!(first, of(r#"["b",{"x":1,"y":2,"idempotency_key":"k"}]"#));
        assert_ne!(first, of(r#"["a",{"x":1,"y":3,"idempotency_key":"k"}]"#));
    }

    #[test]
    fn fuzz_events() {
        let id = "0190b5c8-0000-7000-8000-000000000001";
        let place = format!(r#""thread_id":"{id}","message_id":"{id}""#);
        let samples = [
            format!(r#"["message:send",{{"thread_id":"{id}","client_id":"{id}","content":"x"}}]"#),
            format!(
                r#"["message:send",{{"participants":["a"],"client_id":"{id}","content":"x"}}]"#
            ),
            format!(r#"["message:send",{{"thread_id":"{id}","messages":[{{"content":"x"}}]}}]"#),
            format!(r#"["message:edit",{{{place},"content":"x","idempotency_key":"k"}}]"#),
            format!(r#"["reaction:add",{{{place},"emoji":"👍"}},1,2]"#),
        ];
        let samples: Vec<&str> = samples.iter().map(String::as_str).collect();
        bolero::check!().with_type::<Near>().for_each(|near| {
            let text = near.text(&samples);
            let Some(event) = event(&text) else { return };
            let slowly =
                payload(&event).and_then(|(body, key)| Ok((action(&event.name, body)?, key)));
            // The short way takes nothing that the strict one would not take in the same way.
            if let Some(quickly) = plain_send(&event) {
                let (slowly, key) = slowly.expect("the strict way takes it too");
                assert_eq!(format!("{quickly:?}"), format!("{slowly:?}"));
                assert!(key.is_none());
            }
        });
    }
}
