//! Socket.IO packets as text: the part of the protocol above Engine.IO, without binary attachments.

use serde::Serialize;

/// An encoded packet, as Engine.IO sends it: with its `4` in front. Cloning shares the bytes, so that one serialisation
/// serves every device.
pub use tokio_tungstenite::tungstenite::Utf8Bytes as Frame;

/// A packet of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Wants into a namespace; `auth` is JSON.
    Connect {
        /// Which; `/` is the only one.
        namespace: &'a str,
        /// Empty if there is none.
        auth: &'a str,
    },
    /// Leaves the namespace.
    Disconnect,
    /// An event.
    Event {
        /// Under which number it wants its acknowledgement.
        ack: Option<&'a str>,
        /// An array: the event's name and its arguments.
        json: &'a str,
    },
    /// An event whose arguments come in binary packets, which no event here has.
    BinaryEvent {
        /// As above.
        ack: Option<&'a str>,
        /// How many binary packets follow.
        attachments: usize,
    },
    /// An acknowledgement; nothing was asked.
    Ack,
}

/// Digits of an acknowledgement's number.
const ACK_DIGITS_MAX: usize = 20;
/// Binary packets of one event that are stepped over.
const ATTACHMENTS_MAX: usize = 16;

/// Reads a packet; none if it is not one.
pub fn parse(text: &str) -> Option<Packet<'_>> {
    let (kind, rest) = (text.as_bytes().first()?, text.get(1..)?);
    let (attachments, rest) = match kind {
        b'5' | b'6' => {
            let (digits, rest) = split_digits(rest);
            (
                digits.parse().ok().filter(|n| *n <= ATTACHMENTS_MAX)?,
                rest.strip_prefix('-')?,
            )
        }
        _ => (0, rest),
    };
    let (namespace, rest) = match rest.strip_prefix('/') {
        None => ("/", rest),
        Some(_) => match rest.split_once(',') {
            Some((namespace, rest)) => (namespace, rest),
            None => (rest, ""),
        },
    };
    if *kind == b'0' {
        return Some(Packet::Connect {
            namespace,
            auth: rest,
        });
    }
    if namespace != "/" {
        return None;
    }
    let (digits, json) = split_digits(rest);
    if digits.len() > ACK_DIGITS_MAX {
        return None;
    }
    let ack = Some(digits).filter(|digits| !digits.is_empty());
    match kind {
        b'1' => Some(Packet::Disconnect),
        b'2' => Some(Packet::Event { ack, json }),
        b'5' => Some(Packet::BinaryEvent { ack, attachments }),
        b'3' if ack.is_some() => Some(Packet::Ack),
        _ => None,
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// An event of the server.
///
/// # Panics
/// When `data` is no wire type: those are plain JSON.
pub fn event(name: &str, data: &impl Serialize) -> Frame {
    let json = serde_json::to_string(data).expect("wire types are plain JSON");
    format!("42[\"{name}\",{json}]").into()
}

/// The acknowledgement of an event; `json` is the encoded argument.
pub fn ack(id: &str, json: &str) -> Frame {
    format!("43{id}[{json}]").into()
}

/// Lets a client in.
pub fn connected(sid: &str) -> Frame {
    format!("40{{\"sid\":\"{sid}\"}}").into()
}

/// Keeps a client out of a namespace; official clients come back when their program says so.
pub fn connect_error(namespace: &str, message: &str, retry_after_ms: Option<u64>) -> Frame {
    let data = match retry_after_ms {
        None => serde_json::json!({ "message": message }),
        Some(wait) => serde_json::json!({
            "message": message,
            "data": { "code": message, "retry_after_ms": wait },
        }),
    };
    match namespace {
        "/" => format!("44{data}").into(),
        _ => format!("44{namespace},{data}").into(),
    }
}

/// Puts a client out of the namespace: official clients do not come back by themselves.
pub fn disconnect() -> Frame {
    Frame::from_static("41")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::near::Near;

    #[test]
    fn packets_of_the_protocol_are_read() {
        let event = |ack, json| Some(Packet::Event { ack, json });
        assert_eq!(
            parse(r#"0{"token":1}"#),
            Some(Packet::Connect {
                namespace: "/",
                auth: r#"{"token":1}"#
            })
        );
        assert_eq!(
            parse("0"),
            Some(Packet::Connect {
                namespace: "/",
                auth: ""
            })
        );
        assert_eq!(
            parse("0/x,{}"),
            Some(Packet::Connect {
                namespace: "/x",
                auth: "{}"
            })
        );
        assert_eq!(parse(r#"2["a"]"#), event(None, r#"["a"]"#));
        assert_eq!(parse(r#"217["a",{}]"#), event(Some("17"), r#"["a",{}]"#));
        assert_eq!(parse("1"), Some(Packet::Disconnect));
        assert_eq!(
            parse(r#"52-7["a",{"_placeholder":true,"num":0}]"#),
            Some(Packet::BinaryEvent {
                ack: Some("7"),
                attachments: 2
            })
        );
    }

    #[test]
    fn what_is_no_packet_is_told() {
        for text in ["", "9", "5[]", "5x-[]", "2/other,[]", "3[]", "é", "599-[]"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn fuzz_packets() {
        let samples = [
            r#"0{"token":1}"#,
            "0/x,{}",
            "1",
            r#"212["message:send",{}]"#,
            r#"51-["x",{"_placeholder":true,"num":0}]"#,
            "343[1]",
        ];
        bolero::check!().with_type::<Near>().for_each(|near| {
            let text = near.text(&samples);
            let is_in = |part: &str| text.contains(part);
            match parse(&text) {
                Some(Packet::Connect { namespace, auth }) => {
                    assert!(is_in(auth) && namespace.starts_with('/'));
                }
                Some(Packet::Event { ack, json }) => {
                    assert!(text.ends_with(json));
                    assert!(ack.is_none_or(|ack| ack.bytes().all(|byte| byte.is_ascii_digit())));
                }
                Some(Packet::BinaryEvent { attachments, .. }) => {
                    assert!(attachments <= ATTACHMENTS_MAX);
                }
                Some(Packet::Disconnect | Packet::Ack) | None => {}
            }
        });
    }
}
