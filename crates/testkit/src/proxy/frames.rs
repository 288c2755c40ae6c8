//! Where WebSocket messages end in a stream of bytes, and which Socket.IO packet they carry.
//!
//! Invariant: only what a packet begins with is kept, whatever its length.

/// Bytes of a message that are looked into: `42/namespace,12345["`.
const START_BYTES: usize = 32;
/// Longest header of a frame: two bytes, eight of length, four of mask.
const HEADER_BYTES_MAX: usize = 14;

/// A Socket.IO packet, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// An event, with the number under which it wants an answer.
    Event(Option<u64>),
    /// The answer to an event.
    Ack(u64),
    /// Anything else.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More is needed; everything was taken.
    More,
    /// A frame ends after so many bytes.
    End(usize, Packet),
    /// This is no WebSocket.
    Lost,
}

#[derive(Debug, Default)]
pub(super) struct Parser {
    header: Vec<u8>,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    left: u64,
    /// A text message of one frame.
    is_whole_text: bool,
    mask: [u8; 4],
    start: Vec<u8>,
}

impl Parser {
    /// Whether a frame has begun and not ended.
    pub(super) fn is_within(&self) -> bool {
        self.body.is_some() || !self.header.is_empty()
    }

    /// Looks at the next bytes, up to the first boundary.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        let mut used = 0;
        while self.body.is_none() {
            let Some(byte) = bytes.get(used) else {
                return Step::More;
            };
            self.header.push(*byte);
            used += 1;
            match header(&self.header) {
                Ok(None) => {}
                Ok(body) => {
                    self.body = body;
                    self.header.clear();
                }
                Err(()) => return Step::Lost,
            }
        }
        let Some(body) = &mut self.body else {
            return Step::More;
        };
        let rest = &bytes[used..];
        let mine = &rest[..rest
            .len()
            .min(usize::try_from(body.left).unwrap_or(usize::MAX))];
        let room = START_BYTES - body.start.len();
        body.start.extend_from_slice(&mine[..mine.len().min(room)]);
        body.left -= mine.len() as u64;
        if body.left > 0 {
            return Step::More;
        }
        let packet = body.packet();
        self.body = None;
        Step::End(used + mine.len(), packet)
    }
}

/// None while the header is not complete.
fn header(bytes: &[u8]) -> Result<Option<Body>, ()> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = first & 0x0f;
    let is_known = matches!(opcode, 0..=2 | 8..=10) && first & 0x70 == 0;
    if !is_known || bytes.len() > HEADER_BYTES_MAX {
        return Err(());
    }
    let is_masked = second & 0x80 != 0;
    let length_bytes = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask_bytes = if is_masked { 4 } else { 0 };
    if rest.len() < length_bytes + mask_bytes {
        return Ok(None);
    }
    let (length, mask) = rest.split_at(length_bytes);
    let left = match length_bytes {
        0 => u64::from(second & 0x7f),
        _ => length
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    let mut body = Body {
        left,
        is_whole_text: *first == 0x81,
        mask: [0; 4],
        start: Vec::new(),
    };
    body.mask[..mask.len()].copy_from_slice(mask);
    Ok(Some(body))
}

impl Body {
    fn packet(&self) -> Packet {
        if !self.is_whole_text {
            return Packet::Other;
        }
        let masks = self.mask.iter().cycle();
        let text: Vec<u8> = self
            .start
            .iter()
            .zip(masks)
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        match &text[..] {
            [b'4', b'2', rest @ ..] => Packet::Event(number(rest)),
            [b'4', b'3', rest @ ..] => number(rest).map_or(Packet::Other, Packet::Ack),
            _ => Packet::Other,
        }
    }
}

/// The number before the bracket, after the namespace if there is one.
fn number(text: &[u8]) -> Option<u64> {
    let text = match text {
        [b'/', ..] => &text[text.iter().position(|byte| *byte == b',')? + 1..],
        _ => text,
    };
    let digits = &text[..text.iter().position(|byte| *byte == b'[')?];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str, is_masked: bool) -> Vec<u8> {
        let mut bytes = vec![0x81];
        let bit = if is_masked { 0x80 } else { 0 };
        match text.len() {
            length @ 0..=125 => bytes.push(length as u8 + bit),
            length => {
                bytes.push(126 + bit);
                bytes.extend((length as u16).to_be_bytes());
            }
        }
        let mask = if is_masked { [7, 1, 200, 9] } else { [0; 4] };
        if is_masked {
            bytes.extend(mask);
        }
        bytes.extend(
            text.bytes()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        bytes
    }

    #[test]
    fn packets_are_known_however_they_are_cut() {
        for is_masked in [true, false] {
            let long = format!("4212[\"message:send\",\"{}\"]", "x".repeat(300));
            let frames = [
                frame("3", is_masked),
                frame(&long, is_masked),
                frame("431[{}]", is_masked),
            ];
            let expected = [Packet::Other, Packet::Event(Some(12)), Packet::Ack(1)];
            let all = frames.concat();
            for at in 0..=all.len() {
                let mut parser = Parser::default();
                let mut found = vec![];
                for mut piece in [&all[..at], &all[at..]] {
                    while let Step::End(used, packet) = parser.step(piece) {
                        found.push(packet);
                        piece = &piece[used..];
                    }
                }
                assert_eq!(found, expected, "cut at {at}");
                assert!(!parser.is_within());
            }
        }
    }

    #[test]
    fn numbers_are_found_behind_namespaces_and_not_in_arguments() {
        assert_eq!(number(b"/chat,7[\"a\"]"), Some(7));
        assert_eq!(number(b"[\"a\",3]"), None);
        assert_eq!(number(b"/chat,[\"a\"]"), None);
    }
}
