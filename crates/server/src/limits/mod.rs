//! How often somebody may do something, over all servers.
//!
//! Each server decides at once from the windows that it keeps itself. From time to time it tells Redis what was used and
//! learns what was used on all of them, which counts from then on: what one person can have beyond the limit is what
//! servers allow between two exchanges. Without Redis, or when it is slow, each server keeps the limit alone.
//!
//! Invariant: nobody waits for Redis.

mod window;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use semel_core::actions::Action;
use semel_protocol::UserId;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

pub use self::window::Rate;
use self::window::Window;
use crate::{address::ClientAddress, bus::Bus};

/// From one exchange to the next.
const EXCHANGE_EVERY: Duration = Duration::from_millis(250);
/// How long one may take.
const EXCHANGE_MAX: Duration = Duration::from_millis(200);
/// Windows of one exchange; the others come next.
const EXCHANGED_MAX: usize = 1_000;
/// Windows that are kept. While there are more, those who come new are not counted.
const WINDOWS_MAX: usize = 100_000;

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Changes something, over HTTP or a socket.
    Action,
    /// Tells others something that is not kept: typing, presence.
    Notice,
    /// Connects, by person.
    Connect,
    /// Begins a connection, by address.
    Handshake,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Notice => "notice",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
        }
    }
}

/// How often, by class.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Actions of one person, and their notices, each.
    pub of_person: Rate,
    /// Connections of one person.
    pub connects: Rate,
    /// Handshakes of one address.
    pub handshakes: Rate,
}

/// How often an action counts.
pub fn count(action: &Action) -> usize {
    match action {
        Action::SendBatch(batch) => batch.drafts.len(),
        _ => 1,
    }
}

/// What one server used of a window: its name, and for how many microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Names the window on all servers.
    pub name: String,
    /// By so much the window moves on.
    pub micros: u64,
}

/// After so many milliseconds it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// At least one.
    pub retry_after_ms: u64,
}

/// The windows of a server.
pub struct RateLimits {
    rates: Rates,
    began: Instant,
    windows: Mutex<HashMap<String, Window>>,
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits")
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}

impl RateLimits {
    /// Limits that this server keeps alone, until [`RateLimits::exchange`] runs.
    pub fn new(rates: Rates) -> Arc<Self> {
        Arc::new(Self {
            rates,
            began: Instant::now(),
            windows: Mutex::default(),
        })
    }

    /// A person does something that counts so often.
    pub fn take(&self, class: Class, who: &UserId, count: usize) -> Result<(), TooOften> {
        let rate = match class {
            Class::Connect => self.rates.connects,
            _ => self.rates.of_person,
        };
        self.take_from(class, who.as_str(), rate, count)
    }

    /// Somebody connects from an address.
    pub fn take_handshake(&self, address: ClientAddress) -> Result<(), TooOften> {
        let name = address.to_string();
        self.take_from(Class::Handshake, &name, self.rates.handshakes, 1)
    }

    fn take_from(
        &self,
        class: Class,
        subject: &str,
        rate: Rate,
        count: usize,
    ) -> Result<(), TooOften> {
        if rate.is_unlimited() {
            return Ok(());
        }
        let now = self.now();
        let name = format!("{}:{subject}", class.name());
        let mut windows = self.windows();
        if windows.len() >= WINDOWS_MAX && !windows.contains_key(&name) {
            windows.retain(|_, window| !window.is_over(now));
            if windows.len() >= WINDOWS_MAX {
                return Ok(());
            }
        }
        let taken = windows.entry(name).or_default().take(now, rate, count);
        taken.map_err(|wait| {
            metrics::counter!("semel_rate_limited_total", "class" => class.name()).increment(1);
            TooOften {
                retry_after_ms: wait.div_ceil(1_000).max(1),
            }
        })
    }

    /// Tells other servers what was used and hears what they used, for as long as it is polled.
    pub async fn exchange(self: Arc<Self>, bus: Option<Arc<dyn Bus>>) {
        let mut ticks = interval(EXCHANGE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let used = self.used();
            let Some(bus) = bus.as_ref().filter(|_| !used.is_empty()) else {
                continue;
            };
            // What could not be told is forgotten: it was counted here.
            if let Ok(Some(debts)) = timeout(EXCHANGE_MAX, bus.share(&used)).await {
                self.learn(&used, &debts);
            }
        }
    }

    /// What was used since the last time; windows that are over are forgotten.
    fn used(&self) -> Vec<Used> {
        let now = self.now();
        let mut used = Vec::new();
        self.windows().retain(|name, window| {
            if used.len() < EXCHANGED_MAX {
                let micros = window.take_used();
                if micros > 0 {
                    let name = name.clone();
                    used.push(Used { name, micros });
                }
            }
            !window.is_over(now)
        });
        used
    }

    fn learn(&self, used: &[Used], debts: &[u64]) {
        let now = self.now();
        let mut windows = self.windows();
        for (used, debt) in used.iter().zip(debts) {
            windows
                .entry(used.name.clone())
                .or_default()
                .learn(now + debt);
        }
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<String, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Arc<RateLimits> {
        let rate = Rate {
            per_second: 10,
            at_once: 5,
        };
        RateLimits::new(Rates {
            of_person: rate,
            connects: rate,
            handshakes: Rate {
                per_second: 0,
                at_once: 0,
            },
        })
    }

    #[tokio::test(start_paused = true)]
    async fn each_person_and_class_has_its_own_window() {
        let limits = limits();
        let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        limits.take(Class::Action, &ann, 5).unwrap();
        let refused = limits.take(Class::Action, &ann, 1).unwrap_err();
        assert_eq!(refused.retry_after_ms, 100);
        limits.take(Class::Notice, &ann, 5).unwrap();
        limits.take(Class::Action, &bob, 5).unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
        limits.take(Class::Action, &ann, 1).unwrap();
        limits.take(Class::Action, &ann, 1).unwrap_err();
        let peer = "192.0.2.1".parse().unwrap();
        let anybody = ClientAddress::of(peer, &axum::http::HeaderMap::new(), &[]);
        (0..1_000).for_each(|_| limits.take_handshake(anybody).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_used_counts_from_the_next_exchange_on() {
        let limits = limits();
        let ann = UserId::parse("ann").unwrap();
        limits.take(Class::Action, &ann, 2).unwrap();
        let used = limits.used();
        assert_eq!((used.len(), used[0].micros), (1, 200_000));
        assert!(limits.used().is_empty(), "it is told once");
        // Together with what others used, all five.
        limits.learn(&used, &[500_000]);
        limits.take(Class::Action, &ann, 1).unwrap_err();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(limits.used().is_empty());
        assert!(
            limits.windows().is_empty(),
            "nothing is kept of who is silent"
        );
    }
}
