//! What goes over a channel, as JSON: easy to read for people, and a newer server may add to it.
//!
//! Servers of two versions run side by side while a new one comes in. A kind of hint that is not known here is left out and
//! counted, and so is a message of another format as a whole: the look at the store makes up for both.

use std::collections::BTreeMap;

use semel_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::super::{Hints, State};
use crate::telemetry::metrics::UNREADABLE;

/// The format of messages. Another number: a server that does not know it understands nothing of the message. What is only
/// added needs none.
const FORMAT: u32 = 1;

/// One message of a server.
#[derive(Serialize)]
struct Sent {
    #[serde(rename = "v")]
    format: u32,
    /// Which run of which server says it.
    from: String,
    /// When, on the clock of that run, in microseconds.
    at: u64,
    hints: Hints,
}

/// One message as it comes: of a server, or of a script, which all listen to.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "v", default = "first_format")]
    format: u32,
    #[serde(default)]
    from: String,
    #[serde(default)]
    at: u64,
    #[serde(default, borrow)]
    hints: BTreeMap<String, &'a RawValue>,
    /// People whose first device came.
    #[serde(default)]
    online: Vec<UserId>,
    /// People whose last device went, and when: milliseconds since 1970, as text, because scripts have no whole numbers.
    #[serde(default)]
    offline: Vec<(UserId, String)>,
}

fn first_format() -> u32 {
    1
}

/// What a message says to this server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Others say something.
    News(Hints, Vec<State>),
    /// This run said it, at that time of its clock.
    Own(u64),
}

/// Hints from a run of a server, at a time of its clock in microseconds.
pub(super) fn encode(from: &str, at: u64, hints: Hints) -> String {
    let message = Sent {
        format: FORMAT,
        from: from.to_owned(),
        at,
        hints,
    };
    serde_json::to_string(&message).expect("hints are plain JSON")
}

/// Reads a message; none if it is none, or of another format.
pub(super) fn read(bytes: &[u8], own: &str) -> Option<Said> {
    let message = match serde_json::from_slice::<Message<'_>>(bytes) {
        Ok(message) if message.format == FORMAT => message,
        Ok(_) => return ignore("format"),
        Err(error) => {
            tracing::debug!(%error, "a message on the bus cannot be read");
            return ignore("message");
        }
    };
    if message.from == own {
        return Some(Said::Own(message.at));
    }
    let online = message.online.into_iter().map(|who| State {
        who,
        online: true,
        last_seen_at: None,
    });
    let offline = message.offline.into_iter().map(|(who, at)| State {
        who,
        online: false,
        last_seen_at: at.parse().ok().map(Timestamp),
    });
    Some(Said::News(
        hints(message.hints),
        online.chain(offline).collect(),
    ))
}

fn hints(kinds: BTreeMap<String, &RawValue>) -> Hints {
    let mut hints = Hints::default();
    for (kind, value) in kinds {
        let is_read = match kind.as_str() {
            "moved" => take(value, &mut hints.moved),
            "joined" => take(value, &mut hints.joined),
            "positions" => take(value, &mut hints.positions),
            "own" => take(value, &mut hints.own),
            "revoked" => take(value, &mut hints.revoked),
            "typing" => take(value, &mut hints.typing),
            _ => false,
        };
        if !is_read {
            ignore::<()>("kind");
        }
    }
    hints
}

fn take<T: DeserializeOwned>(value: &RawValue, place: &mut T) -> bool {
    serde_json::from_str(value.get())
        .map(|read| *place = read)
        .is_ok()
}

fn ignore<T>(what: &'static str) -> Option<T> {
    metrics::counter!(UNREADABLE, "what" => what).increment(1);
    None
}

#[cfg(test)]
mod tests {
    use semel_protocol::SessionId;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;
    use crate::bus::hints::About;
    use crate::near::Near;

    /// With something of every kind.
    fn all() -> Hints {
        let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        let id = semel_protocol::ThreadId(Uuid::from_u128(7));
        Hints {
            moved: [(id, (1, 2))].into(),
            joined: [(id, ann.clone())].into(),
            positions: [(id, bob.clone())].into(),
            own: [(ann.clone(), About::Contact(bob.clone()), 4)].into(),
            revoked: [
                (ann.clone(), None),
                (bob.clone(), Some(SessionId(Uuid::from_u128(9)))),
            ]
            .into(),
            typing: [(id, [(ann, true)].into())].into(),
        }
    }

    #[test]
    fn what_a_server_says_is_heard_by_others_only() {
        let message = encode("one", 5, all());
        assert_eq!(read(message.as_bytes(), "one"), Some(Said::Own(5)));
        let heard = Said::News(all(), Vec::new());
        assert_eq!(read(message.as_bytes(), "two"), Some(heard));
    }

    #[test]
    fn what_scripts_say_is_heard_by_all() {
        let said = read(br#"{"offline":[["ann","1800000000000"]],"new":1}"#, "one").unwrap();
        let Said::News(_, states) = said else {
            panic!("{said:?}");
        };
        let at = Some(Timestamp(1_800_000_000_000));
        assert_eq!(states[0].last_seen_at, at);
        assert!(!states[0].online);
        assert_eq!(read(b"{nonsense", "one"), None);
    }

    #[test]
    fn servers_of_other_versions_are_understood_as_far_as_they_can_be() {
        let mut message: Value = serde_json::from_str(&encode("one", 5, all())).unwrap();
        message["new_member"] = true.into();
        message["hints"]["new_kind"] = 1.into();
        message["hints"]["own"] = "in another way".into();
        let expected = Hints {
            own: [].into(),
            ..all()
        };
        let said = read(message.to_string().as_bytes(), "two");
        assert_eq!(said, Some(Said::News(expected, Vec::new())));

        message["v"] = (FORMAT + 1).into();
        assert_eq!(read(message.to_string().as_bytes(), "two"), None);
        // The first servers sent no number.
        let text = r#"{"from":"one","hints":{"own":[["ann",{"contact":"bob"},4]]}}"#;
        let Some(Said::News(hints, _)) = read(text.as_bytes(), "two") else {
            panic!("it was not read");
        };
        assert_eq!(hints.own, all().own);
    }

    #[test]
    fn fuzz_messages_of_the_bus() {
        let whole = encode("one", 5, all());
        let presence = r#"{"online":["ann"],"offline":[["bob","1800000000000"]]}"#;
        bolero::check!().with_type::<Near>().for_each(|near| {
            let bytes = near.bytes(&[&whole, presence]);
            if let Some(Said::News(hints, states)) = read(&bytes, "two")
                && states.is_empty()
            {
                // What was understood can be told on.
                let again = encode("one", 5, hints.clone());
                let said = read(again.as_bytes(), "two");
                assert_eq!(said, Some(Said::News(hints, states)));
            }
        });
    }
}
