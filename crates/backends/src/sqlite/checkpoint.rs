//! Copies the write-ahead log into the database file, beside the lane.
//!
//! A passive checkpoint from a second connection does the work while the lane goes on; it can never catch up with a lane
//! that does not pause, so once the log is large the lane does the small rest itself and begins the log anew.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rusqlite::Connection;

use super::{
    Shared,
    open::{BUSY_TIMEOUT, Use, connect, wal_path},
};
use crate::Error;

/// How often the log is copied.
const INTERVAL: Duration = Duration::from_millis(500);
/// The log is begun anew above this size.
const WAL_RESTART_BYTES: u64 = 64 * 1024 * 1024;
/// The log's file is cut off when an idle lane finds it above this size.
pub(super) const WAL_IDLE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Above this size of the log no command is taken: a reader is in the way, and the disk would fill.
pub(super) const WAL_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// How long the lane waits for readers before it goes on with a longer log.
const PATIENCE: Duration = Duration::from_millis(20);
/// Bytes of a page with its header in the log.
const FRAME_BYTES: u64 = 4096 + 24;

/// How far a checkpoint goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Copies what it can without being in anybody's way.
    Passive,
    /// Copies everything; the next write begins the log anew.
    Restart,
    /// The same, and cuts the log's file off.
    Truncate,
}

/// What a checkpoint did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Somebody was in the way.
    pub(super) is_blocked: bool,
    /// Size of the log.
    pub(super) wal_bytes: u64,
}

/// Runs a checkpoint.
pub(super) fn run(connection: &Connection, mode: Mode) -> Result<Progress, Error> {
    let sql = match mode {
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Mode::Restart => "PRAGMA wal_checkpoint(RESTART)",
        Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    connection.busy_timeout(PATIENCE)?;
    let progress = connection.query_row(sql, [], |row| {
        let frames: i64 = row.get(1)?;
        Ok(Progress {
            is_blocked: row.get::<_, i64>(0)? != 0,
            wal_bytes: u64::try_from(frames).unwrap_or(0) * FRAME_BYTES,
        })
    });
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(progress?)
}

/// Size of the log's file, which stays when the log begins anew; 0 when it cannot be looked at.
pub(super) fn file_bytes(data_dir: &Path) -> u64 {
    std::fs::metadata(wal_path(data_dir)).map_or(0, |file| file.len())
}

/// The body of the checkpoint thread.
pub(super) fn serve(data_dir: &Path, shared: &Arc<Shared>) {
    let mut connection: Option<Connection> = None;
    let mut commits = 0;
    while !shared.wait_for_stop(INTERVAL) {
        let now = shared.lane.stats.commits.load(Relaxed);
        if now == commits && shared.lane.stats.wal_bytes.load(Relaxed) <= WAL_RESTART_BYTES {
            continue;
        }
        commits = now;
        match step(data_dir, &mut connection, shared) {
            Ok(()) => {}
            Err(error) => {
                connection = None;
                tracing::warn!(error = error.chain(), "failed to checkpoint");
            }
        }
    }
}

fn step(
    data_dir: &Path,
    connection: &mut Option<Connection>,
    shared: &Shared,
) -> Result<(), Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connect(
            &super::open::database_path(data_dir),
            Use::Checkpoint,
        )?),
    };
    let progress = run(connection, Mode::Passive)?;
    shared
        .lane
        .stats
        .wal_bytes
        .store(progress.wal_bytes, Relaxed);
    if progress.wal_bytes > WAL_RESTART_BYTES {
        shared.wants_restart.store(true, Relaxed);
        let file_bytes = file_bytes(data_dir);
        tracing::debug!(
            progress.wal_bytes,
            file_bytes,
            "the write-ahead log is large"
        );
    }
    Ok(())
}
