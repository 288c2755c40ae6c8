//! How many messages one fsync serves, counted from outside.

use std::{process::Stdio, sync::Arc, time::Duration};

use semel_load::scenario::Plan;
use tokio::process::Command;

use crate::{
    load::{Result, Server},
    report::{self, Report},
};

/// Time in which strace attaches itself.
const ATTACH: Duration = Duration::from_millis(500);

/// Counts fsyncs under load with strace, where it may look. It slows the server down: only the ratio counts.
pub(crate) async fn per_message(
    server: &Arc<Server>,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-c",
        "-e",
        "trace=fdatasync,fsync",
        "-p",
        &server.pid().to_string(),
    ]);
    let spawned = strace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(strace) = spawned else {
        report::note("strace is not here: fsyncs are not counted");
        return Ok(());
    };
    let tracer = strace.id();
    let counted = tokio::spawn(strace.wait_with_output());
    tokio::time::sleep(ATTACH).await;
    let loaded = server.load(plan).await?.achieved;
    if let Some(tracer) = tracer.filter(|_| !counted.is_finished()) {
        // Interrupted, strace prints its table and lets go of the server.
        Command::new("kill")
            .args(["-INT", &tracer.to_string()])
            .status()
            .await?;
    }
    let output = counted.await??;
    let text = String::from_utf8_lossy(&output.stderr);
    let Some(calls) = calls(&text) else {
        report::note("strace may not look at the server: fsyncs are not counted");
        return Ok(());
    };
    report.count("syncs_per_message", calls as f64 / loaded.done as f64);
    report.count("syncs_per_second", calls as f64 / loaded.elapsed_seconds);
    Ok(())
}

/// Sums the column `calls` of strace's table.
fn calls(table: &str) -> Option<u64> {
    let rows = table.lines().filter(|row| row.ends_with("sync"));
    let calls = rows.filter_map(|row| row.split_whitespace().nth(3)?.parse::<u64>().ok());
    let sum = calls.sum();
    (sum > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_calls_of_straces_table_are_summed() {
        let table = "strace: Process 7 attached with 3 threads\n\
             % time     seconds  usecs/call     calls    errors syscall\n\
             ------ ----------- ----------- --------- --------- ----------------\n\
             99.00    0.500000         250      2000           fdatasync\n  \
             1.00    0.001000         100        10         1 fsync\n\
             100.00    0.501000                  2010         1 total\n";
        assert_eq!(super::calls(table), Some(2010));
        assert_eq!(
            super::calls("strace: attach: Operation not permitted"),
            None
        );
    }
}
