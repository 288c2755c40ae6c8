//! What goes over a channel, as JSON: easy to read for people, and a newer server may add to it.

use semel_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::super::{Hints, State};

/// One message.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    /// Which run of which server says it; none: a script, which all listen to.
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    #[serde(skip_serializing_if = "Hints::is_empty")]
    hints: Hints,
    /// People whose first device came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    online: Vec<UserId>,
    /// People whose last device went, and when: milliseconds since 1970, as text, because scripts have no whole numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offline: Vec<(UserId, String)>,
}

/// What a message says to this server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) hints: Hints,
    pub(super) states: Vec<State>,
}

/// Hints from a run of a server.
pub(super) fn encode(from: &str, hints: Hints) -> String {
    let message = Message {
        from: from.to_owned(),
        hints,
        ..Message::default()
    };
    serde_json::to_string(&message).expect("hints are plain JSON")
}

/// Reads a message; none if it is this run's own, or no message.
pub(super) fn read(bytes: &[u8], own: &str) -> Option<Said> {
    let message = serde_json::from_slice::<Message>(bytes);
    if let Err(error) = &message {
        metrics::counter!("semel_bus_messages_unreadable_total").increment(1);
        tracing::debug!(%error, "a message on the bus cannot be read");
    }
    let message = message.ok().filter(|message| message.from != own)?;
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
    Some(Said {
        states: online.chain(offline).collect(),
        hints: message.hints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_heard_by_others_only() {
        let mut hints = Hints::default();
        let pair = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        hints.contacts.insert(pair.into());
        let message = encode("one", hints.clone());
        assert_eq!(read(message.as_bytes(), "one"), None);
        assert_eq!(read(message.as_bytes(), "two").unwrap().hints, hints);
    }

    #[test]
    fn what_scripts_say_is_heard_by_all() {
        let said = read(br#"{"offline":[["ann","1800000000000"]],"new":1}"#, "one").unwrap();
        assert_eq!(
            said.states[0].last_seen_at,
            Some(Timestamp(1_800_000_000_000))
        );
        assert!(!said.states[0].online);
        assert_eq!(read(b"{nonsense", "one"), None);
    }
}
