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
/// How long a session may be without a device.
pub(super) const OUTSIDE_SECONDS: u32 = 10;
/// How long a write may wait for the client.
pub(super) const STALL_SECONDS: u32 = 20;
/// How long what waits may take to reach the client when the session ends.
pub(super) const CLOSING_SECONDS: u32 = 5;

/// What is to be done with a session.
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
