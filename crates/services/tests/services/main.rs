//! The services themselves: that they can be used, broken and mended, and that nothing of them is left.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod balancer;
mod leftovers;
mod postgres;
mod redis;

use std::time::{Duration, Instant};

/// Waits until something is the case.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
