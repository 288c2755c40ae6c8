//! A server that has nothing to do.

use std::time::Duration;

use semel_testkit::{Semel, binary};

use crate::{load::Result, report::Report};

/// Starts that are measured; the one in the middle counts.
const STARTS: usize = 5;
/// Time in which memory comes to rest.
const REST: Duration = Duration::from_secs(1);
const MIB: f64 = 1024.0 * 1024.0;

/// Measures the time to start with an empty database, and memory at rest.
pub(crate) fn at_rest(report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..STARTS {
        let directory = tempfile::tempdir()?;
        let server = Semel::start(binary(), directory.path())?;
        times.push(server.start_time.as_micros() as u64);
        std::thread::sleep(REST);
        bytes = server.resident_bytes()?;
    }
    times.sort_unstable();
    report.micros("start", times[STARTS / 2]);
    report.count("idle_mb", bytes as f64 / MIB);
    Ok(())
}
