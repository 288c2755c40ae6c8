//! Reading JSON more strictly than serde does: no member twice, and no list or object where another form is meant.

use std::fmt;

use semel_core::Refusal;
use semel_protocol::ThreadId;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// A value in which no object has a member twice.
pub(crate) struct Strict(pub(crate) Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let Strict(value) = object.next_value()?;
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

/// Refuses what serde understood although it has another form: it takes the members of an object from a list too, by
/// their order, and a word from an object with one member. What was read, written again, shows the form that was meant.
pub(crate) fn check_forms<T: Serialize>(
    given: &Map<String, Value>,
    read: &T,
) -> Result<(), Refusal> {
    if !given
        .values()
        .any(|value| value.is_array() || value.is_object())
    {
        return Ok(());
    }
    let Ok(Value::Object(meant)) = serde_json::to_value(read) else {
        return Err(Refusal::invalid("", "the body must be an object"));
    };
    members(given, &meant, "")
}

fn members(
    given: &Map<String, Value>,
    meant: &Map<String, Value>,
    at: &str,
) -> Result<(), Refusal> {
    for (name, value) in given {
        // Ids of threads are written in one way only.
        let canonical = || name.parse().map(|id: ThreadId| id.to_string());
        let written = meant.get(name).or_else(|| meant.get(&canonical().ok()?));
        if let Some(written) = written {
            let name = name.replace('~', "~0").replace('/', "~1");
            form(value, written, &format!("{at}/{name}"))?;
        }
    }
    Ok(())
}

fn form(given: &Value, meant: &Value, at: &str) -> Result<(), Refusal> {
    match (given, meant) {
        (Value::Object(given), Value::Object(meant)) => members(given, meant, at),
        (Value::Array(given), Value::Array(meant)) => given
            .iter()
            .zip(meant)
            .enumerate()
            .try_for_each(|(index, (given, meant))| form(given, meant, &format!("{at}/{index}"))),
        (Value::Array(_), Value::Object(_)) => Err(Refusal::invalid(at, "must be an object")),
        (Value::Array(_) | Value::Object(_), _) => Err(Refusal::invalid(at, "must be one value")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use semel_protocol::{requests::ChangeThread, socket::SendBatch, sync::SyncRequest};
    use serde::de::DeserializeOwned;

    use super::*;

    fn pointer<T: DeserializeOwned + Serialize>(json: &str) -> Option<String> {
        let Value::Object(given) = serde_json::from_str(json).unwrap() else {
            panic!("an object")
        };
        let read: T = serde_json::from_str(json).expect("serde takes it");
        let refusal = check_forms(&given, &read).err()?;
        Some(refusal.errors[0].pointer.clone())
    }

    #[test]
    fn lists_are_no_objects_and_objects_no_words() {
        let id = "0190b5c8-0000-7000-8000-00000000000A";
        let settings = |json: &str| pointer::<ChangeThread>(&format!(r#"{{"settings":{json}}}"#));
        assert_eq!(settings(r#"["all",null]"#).as_deref(), Some("/settings"));
        let word = settings(r#"{"history":{"all":null}}"#);
        assert_eq!(word.as_deref(), Some("/settings/history"));
        assert_eq!(settings(r#"{"history":"all"}"#), None);
        assert_eq!(settings("null"), None);
        let batch = format!(r#"{{"thread_id":"{id}","messages":[["{id}","x",null,null,[]]]}}"#);
        assert_eq!(pointer::<SendBatch>(&batch).as_deref(), Some("/messages/0"));
        let sync =
            |cursor: &str| pointer::<SyncRequest>(&format!(r#"{{"threads":{{"{id}":{cursor}}}}}"#));
        let at = format!("/threads/{id}");
        assert_eq!(sync("[1,null,null]"), Some(at));
        assert_eq!(sync(r#"{"rev":1}"#), None);
    }

    #[test]
    fn members_come_once_at_every_depth() {
        assert!(serde_json::from_str::<Strict>(r#"{"a":[{"b":1,"c":{}}],"b":1.5}"#).is_ok());
        for json in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"a":2}]}"#] {
            assert!(serde_json::from_str::<Strict>(json).is_err(), "{json}");
        }
    }
}
