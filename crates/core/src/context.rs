//! What an action may know of the world: the time and fresh ids.

use semel_protocol::{AuditId, InviteId, MessageId, ReportId, ThreadId, Timestamp, UserId};
use uuid::{Builder, Uuid};

/// Time and ids for one decision. The same context gives the same ids, so that deciding again is free.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Random bits, fresh for every command.
    pub seed: u128,
    /// The database's secret key for content hashes.
    pub content_key: &'a [u8; 32],
    /// How long stored answers are replayed, in milliseconds.
    pub idempotency_ms: i64,
    /// After how many people with whom they share no thread one person asks in a day.
    pub strangers_day_max: u64,
}

impl Context<'_> {
    /// The id of a thread that this command makes.
    pub fn thread_id(&self) -> ThreadId {
        ThreadId(self.uuid(0))
    }

    /// The id of the `n`-th message that this command makes in its thread.
    pub fn message_id(&self, n: u64) -> MessageId {
        MessageId(self.uuid(1 + u128::from(n)))
    }

    /// The id of the `n`-th thing that an operator does by this command.
    pub fn audit_id(&self, n: u64) -> AuditId {
        AuditId(self.uuid(u128::from(n)))
    }

    /// The id of what is reported by this command.
    pub fn report_id(&self) -> ReportId {
        ReportId(self.uuid(0))
    }

    /// The id of an invite link that this command makes.
    pub fn invite_id(&self) -> InviteId {
        InviteId(self.uuid(0))
    }

    /// The id of a person that this command makes.
    ///
    /// # Panics
    /// Never: a UUID is a legal id.
    pub fn user_id(&self) -> UserId {
        UserId::parse(&self.uuid(0).to_string()).expect("a UUID is a legal user id")
    }

    fn uuid(&self, n: u128) -> Uuid {
        let bits = self.seed.wrapping_add(n).to_be_bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&bits[6..]);
        let millis = u64::try_from(self.now.0).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_context_differ_and_repeat() {
        let context = Context {
            now: Timestamp(1),
            seed: 7,
            content_key: &[0; 32],
            idempotency_ms: 1,
            strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        };
        assert_eq!(context.message_id(3), context.message_id(3));
        assert_ne!(context.message_id(3).0, context.message_id(4).0);
        assert_ne!(context.thread_id().0, context.message_id(0).0);
        assert_eq!(context.thread_id().0.get_version_num(), 7);
    }
}
