//! Packets as text.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What stands between the packets of one payload.
pub(super) const SEPARATOR: char = '\u{1e}';
pub(super) const PING: &str = "2";
pub(super) const PROBE: &str = "2probe";
pub(super) const PROBE_ANSWER: &str = "3probe";
pub(super) const UPGRADE: &str = "5";
pub(super) const NOOP: &str = "6";

/// A packet of a client, outside of an upgrade.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// Leaves.
    Close,
    /// Is there.
    Heartbeat,
    /// For the handler.
    Message(&'a str),
    /// For the handler; what it contains is of no use to it.
    Binary,
}

/// Reads a packet of a WebSocket; none if it is not one.
pub(super) fn parse(text: &str) -> Option<Packet<'_>> {
    match text {
        "1" => Some(Packet::Close),
        // Clients answer pings. One that pings is there as well.
        "3" | PING => Some(Packet::Heartbeat),
        _ => text.strip_prefix('4').map(Packet::Message),
    }
}

/// Reads the packets of a payload; none if one of them is none.
pub(super) fn split(payload: &str) -> impl Iterator<Item = Option<Packet<'_>>> {
    payload.split(SEPARATOR).map(|text| {
        let Some(binary) = text.strip_prefix('b') else {
            return parse(text);
        };
        STANDARD.decode(binary).is_ok().then_some(Packet::Binary)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::near::Near;

    #[test]
    fn packets_are_read() {
        assert_eq!(parse("1"), Some(Packet::Close));
        assert_eq!(parse("3"), Some(Packet::Heartbeat));
        assert_eq!(parse("4"), Some(Packet::Message("")));
        assert_eq!(parse("4é"), Some(Packet::Message("é")));
        for none in ["", "0", "5", "6", "7", "abc", "2probe", "1x", "bAQI="] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn payloads_are_split() {
        let packets: Vec<_> = split("4a\u{1e}3\u{1e}bAQI=\u{1e}b!\u{1e}").collect();
        let expected = [
            Some(Packet::Message("a")),
            Some(Packet::Heartbeat),
            Some(Packet::Binary),
            None,
            None,
        ];
        assert_eq!(packets, expected);
    }

    #[test]
    fn fuzz_payloads() {
        let samples = [
            "4a\u{1e}3\u{1e}bAQI=",
            "1",
            "42[\"x\"]\u{1e}2",
            "\u{1e}\u{1e}",
        ];
        bolero::check!().with_type::<Near>().for_each(|near| {
            let text = near.text(&samples);
            let separators = text.matches(SEPARATOR).count();
            assert_eq!(split(&text).count(), separators + 1);
            let messages = split(&text).flatten().filter_map(|packet| match packet {
                Packet::Message(message) => Some(message.len() + 1),
                _ => None,
            });
            assert!(messages.sum::<usize>() <= text.len());
        });
    }
}
