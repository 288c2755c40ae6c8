//! Chance, from a seed: `SplitMix64`.

use std::time::Duration;

use semel_core::ports::Entropy;
use std::sync::{Mutex, PoisonError};

/// Random numbers from a seed. Equal seeds give equal numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A stream of its own for each purpose, so that one more roll for the one changes nothing for the others.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose ^ 0x5e3e_1000_0000_0001)))
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to `limit - 1`; 0 when there is nothing to choose.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((self.roll() >> 11) % limit.max(1) as u64) as usize
    }

    /// From `from` to `to`.
    pub(crate) fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    /// Whether something happens that happens `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < per_mille as usize
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        among.get(self.below(among.len()))
    }

    /// A time up to a greatest one, often short and seldom long.
    pub(crate) fn time(&mut self, longest: Duration) -> Duration {
        let micros = longest.as_micros() as usize;
        let longest = match self.below(10) {
            0..6 => micros / 20,
            6..9 => micros / 4,
            _ => micros,
        };
        Duration::from_micros(self.below(longest.max(1)) as u64)
    }

    pub(crate) fn wide(&mut self) -> u128 {
        u128::from(self.roll()) << 64 | u128::from(self.roll())
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The server's randomness.
#[derive(Debug)]
pub(crate) struct Seeds(Mutex<Dice>);

impl Seeds {
    pub(crate) fn new(dice: Dice) -> Self {
        Self(Mutex::new(dice))
    }
}

impl Entropy for Seeds {
    fn seed(&self) -> u128 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wide()
    }
}
