//! Content hashes and the chain that makes a log verifiable.

use std::fmt;

use semel_protocol::Rev;

/// Keyed hash (BLAKE3, 16 bytes) of what somebody said: tells a repeat from something else, without the words.
pub type ContentHash = [u8; 16];

/// Hash over a log up to an entry (BLAKE3, 8 bytes). The chain before the first entry is all zeros.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 8]);

impl Chain {
    /// The chain after an entry.
    #[must_use]
    pub fn next(self, rev: Rev, content_hash: &ContentHash) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(&rev.to_be_bytes());
        hasher.update(content_hash);
        let mut next = [0; 8];
        next.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(next)
    }

    /// Reads 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 16 {
            return None;
        }
        u64::from_str_radix(text, 16)
            .ok()
            .map(|value| Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hash of parts that are told apart by their lengths.
pub fn content_hash(key: &[u8; 32], parts: &[&[u8]]) -> ContentHash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let key = [1; 32];
        assert_ne!(
            content_hash(&key, &[b"ab", b"c"]),
            content_hash(&key, &[b"a", b"bc"])
        );
        assert_ne!(content_hash(&key, &[b"a"]), content_hash(&[2; 32], &[b"a"]));
    }

    #[test]
    fn a_chain_depends_on_everything_before() {
        let (a, b) = ([1; 16], [2; 16]);
        let one = Chain::default().next(1, &a).next(2, &b);
        assert_ne!(one, Chain::default().next(1, &b).next(2, &b));
        assert_eq!(Chain::parse(&one.to_string()), Some(one));
    }
}
