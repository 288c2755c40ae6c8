//! Packets of Engine.IO v4 and Socket.IO v5, as text, in the namespace `/`.
//!
//! Names and numbers are found by scanning; what a packet carries stays text until somebody wants it.

use std::{borrow::Cow, ops::Range, time::Duration};

use serde::{Deserialize, Serialize};

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The connection is open.
    Open(Open),
    /// Engine.IO closes.
    Close,
    /// To be answered with [`pong`] of the same text.
    Ping(&'a str),
    /// Nothing.
    Noop,
    /// The namespace accepted us.
    Connect,
    /// The namespace refused us, with a JSON object that has `message`.
    ConnectError(&'a str),
    /// The namespace is closed.
    Disconnect,
    /// An event, with its arguments' place in the text.
    Event {
        /// Its name.
        name: Cow<'a, str>,
        /// The arguments, without brackets.
        arguments: Range<usize>,
    },
    /// An answer to an event of ours.
    Ack {
        /// Which.
        id: u64,
        /// The arguments, without brackets.
        arguments: Range<usize>,
    },
}

/// What the server says of the connection when it opens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Engine.IO's session.
    pub sid: String,
    /// Milliseconds between pings.
    pub ping_interval: u64,
    /// Milliseconds that a ping may be late.
    pub ping_timeout: u64,
}

impl Open {
    /// Silence after which the connection is dead.
    pub fn silence_max(&self) -> Duration {
        Duration::from_millis(self.ping_interval.saturating_add(self.ping_timeout))
    }
}

/// A packet that is none, or that this client never asked for (binary, another namespace).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a packet of Socket.IO that this client knows")]
pub struct UnknownPacket;

/// Reads a packet.
pub fn decode(text: &str) -> Result<Packet<'_>, UnknownPacket> {
    let (kind, rest) = text.split_at_checked(1).ok_or(UnknownPacket)?;
    match kind {
        "0" => serde_json::from_str(rest)
            .map(Packet::Open)
            .map_err(|_| UnknownPacket),
        "1" => Ok(Packet::Close),
        "2" => Ok(Packet::Ping(rest)),
        "4" => decode_message(text),
        "6" => Ok(Packet::Noop),
        _ => Err(UnknownPacket),
    }
}

fn decode_message(text: &str) -> Result<Packet<'_>, UnknownPacket> {
    let rest = text.get(2..).ok_or(UnknownPacket)?;
    match text.as_bytes()[1] {
        b'0' => Ok(Packet::Connect),
        b'1' => Ok(Packet::Disconnect),
        b'2' => decode_event(text),
        b'3' => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let id = rest[..digits].parse().map_err(|_| UnknownPacket)?;
            Ok(Packet::Ack {
                id,
                arguments: inside_brackets(text, 2 + digits)?,
            })
        }
        b'4' => Ok(Packet::ConnectError(rest)),
        _ => Err(UnknownPacket),
    }
}

fn decode_event(text: &str) -> Result<Packet<'_>, UnknownPacket> {
    // The server may ask for an acknowledgement; Semel does not, so the number is skipped.
    let digits = text[2..].bytes().take_while(u8::is_ascii_digit).count();
    let inside = inside_brackets(text, 2 + digits)?;
    let quoted = &text[inside.clone()];
    let length = quoted_length(quoted).ok_or(UnknownPacket)?;
    let name = match &quoted[1..length - 1] {
        plain if !plain.contains('\\') => Cow::Borrowed(plain),
        _ => serde_json::from_str(&quoted[..length]).map_err(|_| UnknownPacket)?,
    };
    let comma = usize::from(quoted[length..].starts_with(','));
    Ok(Packet::Event {
        name,
        arguments: inside.start + length + comma..inside.end,
    })
}

/// Length of the JSON string at the beginning, with its quotes.
fn quoted_length(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    if bytes.next()?.1 != b'"' {
        return None;
    }
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => drop(bytes.next()?),
            _ => {}
        }
    }
    None
}

fn inside_brackets(text: &str, from: usize) -> Result<Range<usize>, UnknownPacket> {
    let bytes = text.as_bytes();
    let whole = bytes.len() >= from + 2 && bytes[from] == b'[' && bytes.ends_with(b"]");
    if whole {
        Ok(from + 1..text.len() - 1)
    } else {
        Err(UnknownPacket)
    }
}

/// The answer to a ping.
pub fn pong(probe: &str) -> String {
    format!("3{probe}")
}

/// Asks to be let into the namespace.
pub fn connect(auth: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(auth).map(|auth| format!("40{auth}"))
}

/// Says goodbye to the namespace.
pub fn disconnect() -> &'static str {
    "41"
}

/// An event with one argument, to be acknowledged under `id`.
pub fn event(id: u64, name: &str, argument: &impl Serialize) -> Result<String, serde_json::Error> {
    let argument = serde_json::to_string(argument)?;
    Ok(format!(
        "42{id}[{},{argument}]",
        serde_json::to_string(name)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_of(text: &str) -> (String, &str) {
        match decode(text) {
            Ok(Packet::Event { name, arguments }) => (name.into_owned(), &text[arguments]),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn packets_of_the_engine_are_read() {
        let text =
            r#"0{"sid":"a","upgrades":[],"pingInterval":10000,"pingTimeout":5000,"maxPayload":9}"#;
        let Ok(Packet::Open(open)) = decode(text) else {
            panic!("open")
        };
        assert_eq!(open.silence_max(), Duration::from_secs(15));
        assert_eq!(decode("1"), Ok(Packet::Close));
        assert_eq!(decode("2"), Ok(Packet::Ping("")));
        assert_eq!(decode("2probe"), Ok(Packet::Ping("probe")));
        assert_eq!(pong("probe"), "3probe");
        assert_eq!(decode("6"), Ok(Packet::Noop));
    }

    #[test]
    fn packets_of_the_namespace_are_read() {
        assert_eq!(decode(r#"40{"sid":"b"}"#), Ok(Packet::Connect));
        assert_eq!(decode("41"), Ok(Packet::Disconnect));
        let refused = r#"{"message":"unauthenticated"}"#;
        assert_eq!(
            decode(&format!("44{refused}")),
            Ok(Packet::ConnectError(refused))
        );
    }

    #[test]
    fn events_keep_their_argument_as_text() {
        assert_eq!(
            event_of(r#"42["entry",{"rev":1}]"#),
            ("entry".into(), r#"{"rev":1}"#)
        );
        assert_eq!(event_of(r#"4217["a b",[1,2]]"#), ("a b".into(), "[1,2]"));
        assert_eq!(event_of(r#"42["alone"]"#), ("alone".into(), ""));
        assert_eq!(event_of(r#"42["q\"\\",1]"#), ("q\"\\".into(), "1"));
    }

    #[test]
    fn acknowledgements_keep_their_argument_as_text() {
        let text = r#"43120[{"status":"success","data":{"é":1}}]"#;
        let Ok(Packet::Ack { id, arguments }) = decode(text) else {
            panic!("ack")
        };
        assert_eq!(
            (id, &text[arguments]),
            (120, r#"{"status":"success","data":{"é":1}}"#)
        );
    }

    #[test]
    fn what_is_no_packet_is_an_error() {
        let texts = [
            "",
            "4",
            "5",
            "é",
            "0{}",
            "43[1]",
            "43x[1]",
            "42",
            "42[",
            "42[]",
            "42[1]",
            "42[\"a]",
            "4399999999999999999999[1]",
            "451-[\"a\"]",
            "42/admin,[\"a\"]",
            "42[\"a\\\"]",
        ];
        for text in texts {
            assert_eq!(decode(text), Err(UnknownPacket), "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = event(7, "message:send", &serde_json::json!({"content": "\"]"})).unwrap();
        assert_eq!(text, r#"427["message:send",{"content":"\"]"}]"#);
        assert_eq!(
            event_of(&text),
            ("message:send".into(), r#"{"content":"\"]"}"#)
        );
        assert_eq!(
            connect(&serde_json::json!({"token": "t"})).unwrap(),
            r#"40{"token":"t"}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[0-6][0-6]?[0-9]{0,3}[\\[\\]\",\\\\aé]{0,12}") {
            let _ = decode(&text);
        }
    }
}
