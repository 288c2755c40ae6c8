//! One window: a bucket that leaks, kept as the time at which it would be empty (GCRA).

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; 0: as often as anybody likes.
    pub per_second: u32,
    /// After a pause.
    pub at_once: u32,
}

impl Rate {
    pub(super) fn is_unlimited(self) -> bool {
        self.per_second == 0
    }

    fn most(self) -> u64 {
        u64::from(self.at_once.max(1))
    }

    fn cost(self, count: usize) -> u64 {
        self.micros((count as u64).min(self.most()))
    }

    fn micros(self, count: u64) -> u64 {
        count * 1_000_000 / u64::from(self.per_second.max(1))
    }
}

/// One window; times are microseconds of one clock.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// When everything that was taken is made up for.
    empty_at: u64,
    /// What was taken and not told.
    used: u64,
}

impl Window {
    /// For how many microseconds to wait until so often may be taken; 0: it may now. What is more than may come at once
    /// counts as that.
    pub(super) fn wait(&self, now: u64, rate: Rate, count: usize) -> u64 {
        let latest = now + rate.micros(rate.most());
        (self.empty_at.max(now) + rate.cost(count)).saturating_sub(latest)
    }

    /// Takes so often.
    pub(super) fn take(&mut self, now: u64, rate: Rate, count: usize) {
        let cost = rate.cost(count);
        self.empty_at = self.empty_at.max(now) + cost;
        self.used += cost;
    }

    pub(super) fn take_used(&mut self) -> u64 {
        std::mem::take(&mut self.used)
    }

    /// All servers together are at this time.
    pub(super) fn learn(&mut self, empty_at: u64) {
        self.empty_at = self.empty_at.max(empty_at);
    }

    pub(super) fn is_over(&self, now: u64) -> bool {
        self.empty_at <= now && self.used == 0
    }
}
