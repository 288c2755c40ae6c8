//! Client ids.

use semel_protocol::{ClientId, Timestamp};
use uuid::Builder;

/// Makes client ids: `UUIDv7`, ascending, from the caller's clock and a seed of the caller's randomness. The same seed
/// and times give the same ids, so give every maker fresh random bits unless a run shall be repeated.
#[derive(Clone, Debug)]
pub struct IdMaker {
    low: u64,
    high: u64,
    last: (i64, u16),
}

impl IdMaker {
    /// Starts from 128 random bits.
    pub fn new(seed: u128) -> Self {
        Self {
            low: seed as u64,
            high: (seed >> 64) as u64,
            last: (0, 0),
        }
    }

    /// The next id. Ids ascend even when the clock stands still or goes back.
    pub fn next(&mut self, now: Timestamp) -> ClientId {
        let (millis, counter) = self.last;
        self.last = if now.0 > millis {
            (now.0, 0)
        } else if counter < 0x0fff {
            (millis, counter + 1)
        } else {
            (millis + 1, 0)
        };
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.last.1.to_be_bytes());
        bytes[2..].copy_from_slice(&self.random().to_be_bytes());
        ClientId(Builder::from_unix_timestamp_millis(self.last.0 as u64, &bytes).into_uuid())
    }

    /// Two `SplitMix64` streams, one over each half of the seed: no secrets are made from them, only distinct numbers.
    fn random(&mut self) -> u64 {
        self.low = self.low.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.high = self.high.wrapping_add(0xd1b5_4a32_d192_ed03);
        mix(self.low) ^ mix(self.high).rotate_left(32)
    }
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_are_acceptable_whatever_the_clock_does() {
        let mut maker = IdMaker::new(7);
        let times = (0..10_000).map(|n| Timestamp(1_767_225_600_000 - n % 3));
        let ids: Vec<ClientId> = times.map(|now| maker.next(now)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            ids.iter()
                .all(|id| id.is_acceptable() && id.0.get_version_num() == 7)
        );
    }

    #[test]
    fn seeds_tell_makers_apart() {
        let now = Timestamp(1_767_225_600_000);
        assert_ne!(IdMaker::new(1).next(now), IdMaker::new(2).next(now));
        assert_ne!(
            IdMaker::new(1 << 64).next(now),
            IdMaker::new(2 << 64).next(now)
        );
        assert_eq!(IdMaker::new(1).next(now), IdMaker::new(1).next(now));
    }
}
