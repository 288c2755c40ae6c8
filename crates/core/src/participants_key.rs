//! The participants key: the canonical fingerprint of a set of people.

use std::{collections::BTreeSet, fmt};

use semel_protocol::{ThreadType, UserId};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;

/// SHA-256 over version, kind, count and the length-prefixed sorted ids. Equal sets of a kind have equal keys, whatever
/// the ids contain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantsKey(pub [u8; 32]);

impl ParticipantsKey {
    /// The key of a set.
    pub fn of(thread_type: ThreadType, people: &BTreeSet<UserId>) -> Self {
        let kind = match thread_type {
            ThreadType::Direct => b'd',
            ThreadType::Group => b'g',
            ThreadType::SelfNote => b's',
        };
        let mut hasher = Sha256::new();
        hasher.update([VERSION, kind]);
        hasher.update((people.len() as u64).to_be_bytes());
        for id in people {
            hasher.update((id.as_str().len() as u64).to_be_bytes());
            hasher.update(id.as_str().as_bytes());
        }
        Self(hasher.finalize().into())
    }
}

impl fmt::Debug for ParticipantsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(thread_type: ThreadType, ids: &[&str]) -> ParticipantsKey {
        let people = ids.iter().map(|id| UserId::parse(id).unwrap()).collect();
        ParticipantsKey::of(thread_type, &people)
    }

    #[test]
    fn req_a3_order_and_repetition_do_not_matter() {
        use ThreadType::Group;
        assert_eq!(
            key(Group, &["a", "b", "c"]),
            key(Group, &["c", "a", "b", "a"])
        );
    }

    #[test]
    fn req_a3_ids_that_contain_separators_stay_apart() {
        use ThreadType::Group;
        assert_ne!(key(Group, &["a_b", "c"]), key(Group, &["a", "b_c"]));
        assert_ne!(key(Group, &["a,b"]), key(Group, &["a", "b"]));
        assert_ne!(key(Group, &["1", "11"]), key(Group, &["11", "1", "111"]));
    }

    #[test]
    fn ec_v13_direct_and_group_of_the_same_two_differ() {
        assert_ne!(
            key(ThreadType::Direct, &["a", "b"]),
            key(ThreadType::Group, &["a", "b"])
        );
    }
}
