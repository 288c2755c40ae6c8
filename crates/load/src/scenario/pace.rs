//! An open loop: arrivals come from a fixed schedule, whatever the server does.
//!
//! Invariant: a latency is measured from the instant that the schedule names, not from when there was time to send. So a
//! server that stands still for a second shows in every arrival of that second, and not in one ("coordinated omission").

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// When things are due: evenly, from a beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    begin: Instant,
    per_second: u32,
    total: u64,
}

/// One thing that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Which, from 0.
    pub(super) number: u64,
    /// When.
    pub(super) due: Instant,
}

impl Schedule {
    pub(super) fn new(begin: Instant, per_second: u32, time: Duration) -> Self {
        let total = u64::from(per_second) * time.as_millis() as u64 / 1_000;
        Self {
            begin,
            per_second,
            total,
        }
    }

    /// When a thing is due. Computed from the beginning, so that no error adds up.
    fn due(&self, number: u64) -> Instant {
        let rate = u64::from(self.per_second.max(1));
        let (seconds, rest) = (number / rate, number % rate);
        self.begin + Duration::new(seconds, (rest * NANOS_PER_SECOND / rate) as u32)
    }

    /// Everything of the schedule, each as soon as it is due and never before. The channel has no bound, so that nothing
    /// that is slow holds the schedule up; what is in it is bounded by the schedule's length.
    ///
    /// A thread of its own keeps the time: timers of the runtime come up to two milliseconds late.
    pub(super) fn run(self) -> mpsc::UnboundedReceiver<Arrival> {
        let (arrivals, due) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for number in 0..self.total {
                let arrival = Arrival {
                    number,
                    due: self.due(number),
                };
                let wait = arrival.due.saturating_duration_since(Instant::now());
                if !wait.is_zero() {
                    std::thread::sleep(wait);
                }
                if arrivals.send(arrival).is_err() {
                    return;
                }
            }
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_comes_once_in_order_and_never_early() {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, 1_000, Duration::from_millis(50));
        assert_eq!(schedule.total, 50);
        let mut due = schedule.run();
        let mut numbers = Vec::new();
        while let Some(arrival) = due.recv().await {
            assert!(arrival.due <= Instant::now(), "early");
            assert_eq!(arrival.due, begin + Duration::from_millis(arrival.number));
            numbers.push(arrival.number);
        }
        assert!(numbers.iter().copied().eq(0..50));
    }

    #[test]
    fn no_error_adds_up_at_rates_that_do_not_divide() {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, 333, Duration::from_hours(1));
        assert_eq!(schedule.total, 333 * 3_600);
        assert_eq!(
            schedule.due(schedule.total) - begin,
            Duration::from_hours(1)
        );
        assert_eq!(
            schedule.due(333 * 1_000 + 111) - begin,
            Duration::from_nanos(1_000_333_333_333)
        );
    }
}
