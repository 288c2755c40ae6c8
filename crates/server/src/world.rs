//! The one place that reads the real clock and the operating system's randomness.

use std::cell::RefCell;

use semel_core::ports::{Clock, Entropy};
use semel_protocol::Timestamp;

/// The wall clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that everything else asks"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since_epoch.map_or(0, |duration| duration.as_millis() as i64))
    }
}

/// Randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

/// Seeds that one call to the operating system brings: a call for each would cost more than what is done with it.
const SEEDS_AT_ONCE: usize = 64;

thread_local! {
    static SEEDS: RefCell<Seeds> = const {
        RefCell::new(Seeds { next: SEEDS_AT_ONCE, bytes: [[0; 16]; SEEDS_AT_ONCE] })
    };
}

/// Fresh random bytes, each given out once.
struct Seeds {
    next: usize,
    bytes: [[u8; 16]; SEEDS_AT_ONCE],
}

impl Seeds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Entropy that everything else asks"
    )]
    fn refill(&mut self) {
        getrandom::fill(self.bytes.as_flattened_mut())
            .expect("the operating system has randomness");
        self.next = 0;
    }
}

impl Entropy for SystemEntropy {
    fn seed(&self) -> u128 {
        SEEDS.with_borrow_mut(|seeds| {
            if seeds.next == SEEDS_AT_ONCE {
                seeds.refill();
            }
            let seed = std::mem::take(&mut seeds.bytes[seeds.next]);
            seeds.next += 1;
            u128::from_be_bytes(seed)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn seeds_do_not_repeat() {
        let seeds: HashSet<u128> = (0..1_000).map(|_| SystemEntropy.seed()).collect();
        assert_eq!(seeds.len(), 1_000);
    }
}
