//! Choices that are the same for the same seed, in every version.

use std::{ops::RangeInclusive, time::Duration};

/// A stream of choices: `SplitMix64`. No secrets are made from it.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A stream of its own for one of many things that use the same seed.
    pub fn fork(seed: u64, number: u64) -> Self {
        Self::new(Self::new(seed).next() ^ Self::new(number).next())
    }

    /// Sixty-four bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "a stream without end needs no Option"
    )]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number within bounds.
    pub fn within(&mut self, bounds: &RangeInclusive<u64>) -> u64 {
        let span = bounds.end().saturating_sub(*bounds.start()).wrapping_add(1);
        let offset = if span == 0 {
            self.next()
        } else {
            self.next() % span
        };
        bounds.start().wrapping_add(offset)
    }

    /// A time within bounds, to the microsecond.
    pub fn time(&mut self, bounds: &RangeInclusive<Duration>) -> Duration {
        let micros = |time: &Duration| time.as_micros() as u64;
        Duration::from_micros(self.within(&(micros(bounds.start())..=micros(bounds.end()))))
    }

    /// Yes so often in a thousand.
    pub fn happens(&mut self, per_mille: u16) -> bool {
        self.next() % 1_000 < u64::from(per_mille)
    }

    /// One of several.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[(self.next() % choices.len() as u64) as usize]
    }
}
