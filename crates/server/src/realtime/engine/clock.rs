//! The time of all sessions: one task looks at them each second.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

use super::{Engine, Handler, Reason, Socket};

const TICK: Duration = Duration::from_secs(1);

/// Seconds between pings, and for the answer.
pub(super) const PING_INTERVAL: u32 = 10;
pub(super) const PING_TIMEOUT: u32 = 10;
/// Seconds that a session may be without a device.
const OUTSIDE_MAX: u32 = 10;
/// Seconds that a write may wait for the client.
const STALL_MAX: u32 = 20;
/// Seconds that what waits may take to reach the client when the session ends.
const CLOSING_MAX: u32 = 5;

/// When what happened in a session, in seconds of this clock.
pub(super) struct Times {
    /// It was pinged, or began.
    pinged_at: u32,
    pub(super) awaits_pong: bool,
    /// It has had no device.
    pub(super) outside_since: Option<u32>,
    /// Its client has read nothing of what was written.
    pub(super) stalled_since: Option<u32>,
    /// It has ended, and what waits goes out.
    pub(super) closing_since: Option<u32>,
}

impl Times {
    pub(super) fn begin(now: u32) -> Self {
        Self {
            pinged_at: now,
            awaits_pong: false,
            outside_since: Some(now),
            stalled_since: None,
            closing_since: None,
        }
    }

    /// Whether to ping now; it is noted as done.
    pub(super) fn is_ping_due(&mut self, now: u32) -> bool {
        let is_due = !self.awaits_pong
            && self.closing_since.is_none()
            && now - self.pinged_at >= PING_INTERVAL;
        if is_due {
            self.pinged_at = now;
            self.awaits_pong = true;
        }
        is_due
    }

    /// What is to be done.
    pub(super) fn due(&self, now: u32) -> Option<Due> {
        let has_passed =
            |since: Option<u32>, seconds| since.is_some_and(|since| now - since >= seconds);
        let pinged_at = Some(self.pinged_at).filter(|_| self.awaits_pong);
        if has_passed(self.closing_since, CLOSING_MAX) || has_passed(self.stalled_since, STALL_MAX)
        {
            Some(Due::Cut(Reason::TransportError))
        } else if self.closing_since.is_some() {
            None
        } else if has_passed(pinged_at, PING_TIMEOUT) {
            Some(Due::Cut(Reason::HeartbeatTimeout))
        } else if has_passed(self.outside_since, OUTSIDE_MAX) {
            Some(Due::Close(Reason::TransportClose))
        } else {
            None
        }
    }
}

/// What is to be done with a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send what waits and close.
    Close(Reason),
    /// Drop what waits.
    Cut(Reason),
}

pub(super) async fn run<H: Handler>(engine: Weak<Engine<H>>) {
    let mut ticks = interval(TICK);
    // When the machine slept, nobody is to be blamed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let now = engine.now.fetch_add(1, Ordering::Relaxed) + 1;
        let due: Vec<(Arc<Socket<H>>, Due)> = {
            let sockets = engine.sockets();
            let due = sockets
                .values()
                .filter_map(|socket| Some((socket.clone(), socket.tick(now)?)));
            due.collect()
        };
        for (socket, due) in due {
            match due {
                Due::Close(reason) => socket.close(reason),
                Due::Cut(reason) => socket.cut(reason),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session with a device.
    fn inside() -> Times {
        Times {
            outside_since: None,
            ..Times::begin(100)
        }
    }

    #[test]
    fn pings_are_answered_or_end_the_session() {
        let mut times = inside();
        assert!(!times.is_ping_due(109));
        assert!(times.is_ping_due(110));
        assert!(!times.is_ping_due(110));
        times.awaits_pong = false;
        assert_eq!(times.due(119), None);
        assert!(times.is_ping_due(120));
        assert!(!times.is_ping_due(130), "one ping at a time");
        assert_eq!(times.due(129), None);
        assert_eq!(times.due(130), Some(Due::Cut(Reason::HeartbeatTimeout)));
    }

    #[test]
    fn nobody_stays_without_a_device() {
        let mut times = Times::begin(100);
        assert_eq!(times.due(109), None);
        assert!(times.is_ping_due(110));
        assert_eq!(times.due(110), Some(Due::Close(Reason::TransportClose)));
    }

    #[test]
    fn nobody_waits_for_a_client_that_does_not_read() {
        let mut times = inside();
        times.stalled_since = Some(100);
        assert_eq!(times.due(119), None);
        let cut = Some(Due::Cut(Reason::TransportError));
        assert_eq!(times.due(120), cut);
        let mut times = inside();
        times.closing_since = Some(100);
        assert_eq!(times.due(104), None);
        assert!(!times.is_ping_due(110));
        assert_eq!(times.due(105), cut);
    }
}
