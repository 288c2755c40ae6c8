//! Events: the fixed-size records of a history.

use semel_protocol::Code;
use serde::{Deserialize, Serialize};

/// Bytes of an event in the binary format.
pub const EVENT_BYTES: usize = 64;

/// In `code` of an [`Kind::Invoke`]: the send went through an outbox with one in flight, or a batch, so that the
/// device's order must hold.
pub const ORDERED: u8 = 1;
/// In `code` of an [`Kind::Invoke`]: the read asks for everything up to the head.
pub const TO_HEAD: u8 = 2;
/// In `code` of an [`Kind::Ok`]: the answer says that it was given before.
pub const DUPLICATE: u8 = 1;
/// In `code` of an [`Kind::Info`]: no answer in time.
pub const TIMED_OUT: u8 = 200;
/// In `code` of an [`Kind::Info`]: the connection broke before the answer.
pub const DISCONNECTED: u8 = 201;
/// In `code` of an [`Kind::Info`]: the client itself was stopped.
pub const CRASHED: u8 = 202;

macro_rules! named_bytes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $byte:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$doc])* $variant = $byte,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Reads it from the binary format.
            pub fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($byte => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

named_bytes! {
    /// What an event is.
    Kind {
        /// A call is about to leave the device.
        #[default]
        Invoke = 1,
        /// A call succeeded.
        Ok = 2,
        /// A call was refused and had no effect.
        Fail = 3,
        /// What became of a call is unknown.
        Info = 4,
        /// An entry arrived at a device, in whatever order.
        Wire = 5,
        /// A device applied an entry: what the person sees.
        Apply = 6,
        /// A line of the answer to a read.
        Row = 7,
        /// A line of the state after everything healed and came to rest.
        Final = 8,
        /// A session of a device begins.
        Session = 9,
        /// A fault begins.
        Fault = 10,
        /// A fault ends.
        Heal = 11,
        /// Something happened to a server.
        Node = 12,
        /// What a number stands for.
        Name = 13,
    }
}

named_bytes! {
    /// What was done: the call, the entry that it makes, or what a line states.
    Action {
        /// Nothing in particular.
        #[default]
        None = 0,
        /// A message is sent; the entry that carries it.
        Send = 1,
        /// A message gets new words.
        Edit = 2,
        /// A message becomes a tombstone.
        Delete = 3,
        /// A reaction is added.
        React = 4,
        /// A reaction is taken back.
        Unreact = 5,
        /// A thread is made.
        Create = 6,
        /// People come in.
        Add = 7,
        /// A person is taken out.
        Remove = 8,
        /// A person leaves.
        Leave = 9,
        /// A role changes.
        Role = 10,
        /// The title changes.
        Title = 11,
        /// Settings change.
        Settings = 12,
        /// A read position is set.
        Mark = 13,
        /// Messages are read by seq.
        ReadMessages = 14,
        /// Entries are read by rev.
        ReadEntries = 15,
        /// Any other call that changes something.
        Other = 16,
        /// An entry that its reader may not see.
        Hidden = 20,
        /// An entry of a type that its reader does not know.
        Unknown = 21,
        /// The end of a final log: its last rev and seq.
        Head = 30,
        /// Where a device that is still there has come to.
        Cursor = 31,
        /// A device took a snapshot and goes on behind `rev`.
        Snapshot = 32,
        /// A read position.
        Position = 33,
        /// The thread of a set of people.
        Owner = 34,
        /// A person came into a thread.
        Joined = 35,
        /// A person went out of a thread.
        Gone = 36,
        /// One check of the database by itself.
        Doctor = 37,
        /// A server is ready.
        Started = 40,
        /// A server stopped by itself.
        Stopped = 41,
        /// A server was killed.
        Killed = 42,
        /// Names a thread.
        Thread = 50,
        /// Names a person.
        User = 51,
        /// Names a session.
        Device = 52,
        /// Names a fault.
        Trouble = 53,
    }
}

impl Action {
    /// Whether the entry brings a message of its own, with the next seq.
    pub fn brings_message(self) -> bool {
        matches!(
            self,
            Self::Send | Self::Add | Self::Remove | Self::Leave | Self::Title
        )
    }

    /// Whether it is a call that changes something.
    pub fn is_change(self) -> bool {
        (Self::Send as u8..=Self::Mark as u8).contains(&(self as u8)) || self == Self::Other
    }

    /// Whether it is an entry of a log.
    pub fn is_entry(self) -> bool {
        (Self::Send as u8..=Self::Settings as u8).contains(&(self as u8))
    }

    /// Whether it is a read.
    pub fn is_read(self) -> bool {
        matches!(self, Self::ReadMessages | Self::ReadEntries)
    }
}

/// One line of a history. What a field means depends on kind and action; 0 is always "none". `docs/HISTORY.md` has the
/// rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds of one monotonic clock for all devices.
    pub time: u64,
    /// What the event is.
    pub kind: Kind,
    /// What was done.
    pub action: Action,
    /// Error class of a refusal, flags of a call, number of a fault or check.
    pub code: u8,
    /// Which server.
    pub node: u8,
    /// Which session of which device.
    pub session: u32,
    /// Links a call's beginning, rows and end.
    pub call: u32,
    /// Who: the acting person, an entry's actor, a message's author.
    pub user: u32,
    /// Which log: a thread in one epoch.
    pub thread: u32,
    /// The message's last change at that moment.
    pub version: u32,
    /// Fingerprint of client id and sender, or of the idempotency key.
    pub key: u64,
    /// Fingerprint of the content, of a stored answer, or of a set of people.
    pub hash: u64,
    /// Place among the messages.
    pub seq: u32,
    /// Place in the log.
    pub rev: u32,
    /// Fingerprint of the message id; in an `Invoke`, of the idempotency key.
    pub id: u64,
}

impl Event {
    /// An event with nothing but a time and what it is.
    pub fn at(time: u64, kind: Kind, action: Action) -> Self {
        Self {
            time,
            kind,
            action,
            ..Self::default()
        }
    }

    /// As bytes of the binary format, little endian.
    pub fn encode(&self) -> [u8; EVENT_BYTES] {
        let mut bytes = [0; EVENT_BYTES];
        bytes[0..8].copy_from_slice(&self.time.to_le_bytes());
        bytes[8..12].copy_from_slice(&[self.kind as u8, self.action as u8, self.code, self.node]);
        bytes[12..16].copy_from_slice(&self.session.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.call.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.user.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.thread.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.version.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.key.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.hash.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.seq.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.rev.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.id.to_le_bytes());
        bytes
    }

    /// From bytes of the binary format. None for a kind or an action that this version does not know.
    pub fn decode(bytes: &[u8; EVENT_BYTES]) -> Option<Self> {
        Some(Self {
            time: long(bytes, 0),
            kind: Kind::from_byte(bytes[8])?,
            action: Action::from_byte(bytes[9])?,
            code: bytes[10],
            node: bytes[11],
            session: word(bytes, 12),
            call: word(bytes, 16),
            user: word(bytes, 20),
            thread: word(bytes, 24),
            version: word(bytes, 28),
            key: long(bytes, 32),
            hash: long(bytes, 40),
            seq: word(bytes, 48),
            rev: word(bytes, 52),
            id: long(bytes, 56),
        })
    }

    /// Name events for a number: 32 bytes of the text in each, numbered by `version` from 1.
    pub fn names(what: Action, number: u32, text: &str) -> Vec<Self> {
        text.as_bytes()
            .chunks(32)
            .zip(1..)
            .map(|(chunk, part)| {
                let mut bytes = [0; EVENT_BYTES];
                bytes[32..32 + chunk.len()].copy_from_slice(chunk);
                Self {
                    kind: Kind::Name,
                    action: what,
                    thread: number,
                    version: part,
                    key: long(&bytes, 32),
                    hash: long(&bytes, 40),
                    seq: word(&bytes, 48),
                    rev: word(&bytes, 52),
                    id: long(&bytes, 56),
                    ..Self::default()
                }
            })
            .collect()
    }

    /// The piece of text in a name event.
    pub fn name_bytes(&self) -> [u8; 32] {
        let bytes = self.encode();
        std::array::from_fn(|index| bytes[32 + index])
    }
}

fn word(bytes: &[u8; EVENT_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8; EVENT_BYTES], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

/// The fingerprint of bytes: FNV-1a of 64 bits, then a mix so that every bit counts; never 0.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    fingerprint_of([bytes])
}

/// The fingerprint of several parts, each with its length, so that no other division gives the same.
pub fn fingerprint_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        (part.len() as u64)
            .to_le_bytes()
            .into_iter()
            .for_each(&mut eat);
        part.iter().copied().for_each(&mut eat);
    }
    mix(hash).max(1)
}

/// Spreads the bits of a number over all its bits.
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// The `code` of an error code of the protocol.
pub fn code_byte(code: Code) -> u8 {
    let place = Code::ALL.iter().position(|other| *other == code);
    place.map_or(0, |place| place as u8 + 1)
}

/// What a `code` says, for people.
pub fn code_text(byte: u8) -> &'static str {
    match byte {
        0 => "no code",
        TIMED_OUT => "timed_out",
        DISCONNECTED => "disconnected",
        CRASHED => "crashed",
        _ => Code::ALL
            .get(usize::from(byte) - 1)
            .map_or("unknown code", |code| code.as_str()),
    }
}

/// Whether an error says that the call had no effect ([`Kind::Fail`]) or leaves it open ([`Kind::Info`]).
pub fn kind_of_error(code: Code) -> Kind {
    if code.is_retryable() && code != Code::RateLimited {
        Kind::Info
    } else {
        Kind::Fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_back() {
        let event = Event {
            time: 1 << 60 | 7,
            kind: Kind::Final,
            action: Action::Gone,
            code: 3,
            node: 250,
            session: u32::MAX,
            call: 5,
            user: 6,
            thread: 7,
            version: 8,
            key: u64::MAX - 1,
            hash: 10,
            seq: 11,
            rev: 12,
            id: 1 << 63,
        };
        assert_eq!(Event::decode(&event.encode()), Some(event));
        let mut unknown = event.encode();
        unknown[9] = 99;
        assert_eq!(Event::decode(&unknown), None);
    }

    #[test]
    fn names_of_any_length_come_back() {
        let text = "0199a3f0-0000-7000-8000-00000000000b".repeat(2);
        let events = Event::names(Action::Thread, 9, &text);
        assert_eq!(events.len(), 3);
        let bytes: Vec<u8> = events.iter().flat_map(Event::name_bytes).collect();
        assert_eq!(
            String::from_utf8(bytes).unwrap().trim_end_matches('\0'),
            text
        );
    }

    #[test]
    fn fingerprints_keep_parts_apart() {
        assert_ne!(
            fingerprint_of([&b"ab"[..], b"c"]),
            fingerprint_of([&b"a"[..], b"bc"])
        );
        assert_ne!(fingerprint(b""), 0);
    }

    #[test]
    fn only_what_is_certain_counts_as_refused() {
        assert_eq!(kind_of_error(Code::NotFound), Kind::Fail);
        assert_eq!(kind_of_error(Code::RateLimited), Kind::Fail);
        assert_eq!(kind_of_error(Code::OutcomeUnknown), Kind::Info);
        assert_eq!(kind_of_error(Code::Internal), Kind::Info);
        assert_eq!(code_text(code_byte(Code::NotFound)), "not_found");
    }
}
