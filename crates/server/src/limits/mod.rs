//! How often somebody may do something, over all servers.
//!
//! Each server decides at once from the windows that it keeps itself. From time to time it tells Redis what was used and
//! learns what was used on all of them, which counts from then on: what one person can have beyond the limit is what
//! servers allow between two exchanges. Without Redis, or when it is slow, each server keeps the limit alone.
//!
//! Invariant: nobody waits for Redis.

mod doing;
mod window;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use self::window::Window;
pub use self::{
    doing::{Class, Doer, Doing, Kind},
    window::Rate,
};
use crate::{address::ClientAddress, bus::Bus};

/// From one exchange to the next.
const EXCHANGE_EVERY: Duration = Duration::from_millis(250);
/// How long one may take.
const EXCHANGE_MAX: Duration = Duration::from_millis(200);
/// Windows of one exchange; the others come next.
const EXCHANGED_MAX: usize = 2_000;
/// Windows that are kept: a few for each person and device that was here lately. While there are more, those who come new are
/// not counted.
const WINDOWS_MAX: usize = 200_000;

/// How often, by class.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Actions of one person, and their notices, each.
    pub of_person: Rate,
    /// Questions of one person; without a token, of one address.
    pub reads: Rate,
    /// Actions of one device, its questions, and its notices, each.
    pub of_device: Rate,
    /// Of what one person does, that which is [`Kind::Reaching`].
    pub reaching: Rate,
    /// Of what one person does, that which is [`Kind::Heavy`].
    pub heavy: Rate,
    /// Connections of one person.
    pub connects: Rate,
    /// Handshakes of one address, and its calls of signing in, each.
    pub handshakes: Rate,
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

    /// Somebody does something, if their device, they, and what it is still have room for it: all of that, or nothing, is taken.
    pub fn take(&self, doer: Doer<'_>, doing: Doing) -> Result<(), TooOften> {
        let rates = &self.rates;
        let rate = match doing.class {
            Class::Connect => rates.connects,
            Class::Read => rates.reads,
            _ => rates.of_person,
        };
        let (who, mut asked) = (doer.user_id.as_str(), Vec::with_capacity(3));
        asked.push(Asked::new(doing.class.name(), who, rate));
        if let Some((session, label)) = doer.session_id.zip(doing.class.name_of_device()) {
            asked.push(Asked::new(label, session, rates.of_device));
        }
        match doing.kind {
            Kind::Usual => {}
            Kind::Reaching => asked.push(Asked::new("reaching", who, rates.reaching)),
            Kind::Heavy => asked.push(Asked::new("heavy", who, rates.heavy)),
        }
        self.take_from(asked, doing.count)
    }

    /// Somebody connects from an address.
    pub fn take_handshake(&self, address: ClientAddress) -> Result<(), TooOften> {
        self.take_one(Class::Handshake, address, self.rates.handshakes)
    }

    /// Somebody signs in or out from an address, or asks for tokens again.
    pub fn take_sign_in(&self, address: ClientAddress) -> Result<(), TooOften> {
        self.take_one(Class::SignIn, address, self.rates.handshakes)
    }

    /// Somebody without a token asks something from an address.
    pub fn take_read(&self, address: ClientAddress) -> Result<(), TooOften> {
        // No id of a person begins with a space.
        self.take_one(Class::Read, format_args!(" {address}"), self.rates.reads)
    }

    fn take_one(
        &self,
        class: Class,
        subject: impl fmt::Display,
        rate: Rate,
    ) -> Result<(), TooOften> {
        self.take_from(vec![Asked::new(class.name(), subject, rate)], 1)
    }

    /// Takes from all of these windows, or from none.
    fn take_from(&self, mut asked: Vec<Asked>, count: usize) -> Result<(), TooOften> {
        asked.retain(|asked| !asked.rate.is_unlimited());
        let now = self.now();
        let mut windows = self.windows();
        let is_new = |asked: &Asked| !windows.contains_key(&asked.name);
        if windows.len() + asked.len() > WINDOWS_MAX && asked.iter().any(is_new) {
            windows.retain(|_, window| !window.is_over(now));
        }
        let waits = asked.iter().map(|asked| {
            let window = windows.get(&asked.name);
            let wait = window.map_or(0, |window| window.wait(now, asked.rate, count));
            (wait, asked.label)
        });
        if let Some((wait, label)) = waits.max().filter(|(wait, _)| *wait > 0) {
            metrics::counter!("semel_rate_limited_total", "class" => label).increment(1);
            return Err(TooOften {
                retry_after_ms: wait.div_ceil(1_000).max(1),
            });
        }
        for Asked { name, rate, .. } in asked {
            if windows.len() < WINDOWS_MAX || windows.contains_key(&name) {
                windows.entry(name).or_default().take(now, rate, count);
            }
        }
        Ok(())
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

/// A window that something is to be taken from.
struct Asked {
    /// What it is called in metrics.
    label: &'static str,
    name: String,
    rate: Rate,
}

impl Asked {
    fn new(label: &'static str, subject: impl fmt::Display, rate: Rate) -> Self {
        let name = format!("{label}:{subject}");
        Self { label, name, rate }
    }
}

#[cfg(test)]
mod tests;
