//! A server that stops sends its devices away, not all at once: whoever takes them in has to sync them all.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use semel_protocol::Code;
use tokio::time::sleep;

use super::{Device, Hub};

/// Devices that go, and come back elsewhere, per second, where there is time for it.
const GOING_PER_SECOND: u64 = 1_000;
/// How often some are sent away.
const SLICE: Duration = Duration::from_millis(50);
/// How long what a device asked may take to be answered before its connection is closed.
const ANSWERS_MAX: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Milliseconds after which the first one comes back: to another server at once, to this one when it may be there again.
const RETURN_ELSEWHERE_MS: u64 = 100;
const RETURN_HERE_MS: u64 = 1_000;
/// The last one comes back so many milliseconds later at most.
const RETURN_SPREAD_MS: u64 = 60_000;

impl Hub {
    /// Tells every device that the server stops and when to come back, each its own moment, and closes it when it has its
    /// answers. The devices go within this time and a second.
    pub async fn drain(&self, within: Duration) {
        let devices = self.people.find(|_| true);
        let count = devices.len().max(1) as u64;
        let wanted = Duration::from_millis(count * 1_000 / GOING_PER_SECOND);
        let slices = (wanted.min(within).as_millis() / SLICE.as_millis()).max(1) as usize;
        let spread = (count * 1_000 / GOING_PER_SECOND).min(RETURN_SPREAD_MS);
        let first = match self.shared {
            Some(_) => RETURN_ELSEWHERE_MS,
            None => RETURN_HERE_MS,
        };
        let at_once = devices.len().div_ceil(slices).max(1);
        let going = devices.iter().enumerate().map(|(n, device)| async move {
            sleep(SLICE * (n / at_once) as u32).await;
            send_away(device, first + spread * n as u64 / count).await;
        });
        join_all(going).await;
    }
}

async fn send_away(device: &Arc<Device>, retry_after_ms: u64) {
    device.say_goodbye(Code::ShuttingDown, retry_after_ms);
    let answered = async {
        while device.waits_for_answers() {
            sleep(LOOK).await;
        }
    };
    // It asks again elsewhere for what was not answered.
    let _ = tokio::time::timeout(ANSWERS_MAX, answered).await;
    device.hang_up();
}
