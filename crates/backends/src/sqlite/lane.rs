//! The one thread that writes: the lane over a connection to the file.

use std::{
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError},
    },
    task::{Context, Poll, Waker},
};

use rusqlite::Connection;
use semel_core::{Changes, Key, Rows, ports::LedgerError};
use semel_protocol::Timestamp;

use super::{
    Options, Shared, Stop,
    checkpoint::{self, Mode, WAL_BYTES_MAX, WAL_IDLE_BYTES_MAX},
    load::load,
    meta::{self, Identity},
    open::{Use, connect, database_path},
    store::store,
    transaction,
};
use crate::{
    Error,
    lane::{Job, Lane, NotCommitted, Setup, Store, TICK, gather},
};

/// Room that a store must have to be called well again: some of the largest commands.
const PROBE_BYTES: usize = 1024 * 1024;

/// What comes to the lane.
pub(super) enum Work {
    /// A command.
    Job(Box<Job>),
    /// Look around.
    Wake,
    /// Something for the writer's own connection.
    #[cfg(test)]
    Inspect(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// The connection that writes.
struct Writer {
    data_dir: PathBuf,
    incarnation: String,
    shared: Arc<Shared>,
    connection: Option<Connection>,
}

impl Writer {
    fn connection(&self) -> Result<&Connection, Error> {
        let none = || Error::Unusable("the database is not open".to_owned());
        self.connection.as_ref().ok_or_else(none)
    }
}

impl Store for Writer {
    async fn begin(&mut self) -> Result<(), Error> {
        transaction::begin(self.connection()?)
    }

    async fn load(&mut self, key: &Key, rows: &mut Rows) -> Result<(), Error> {
        load(self.connection()?, key, rows)
    }

    async fn put(&mut self, changes: &Changes) -> Result<(), Error> {
        store(self.connection()?, changes)
    }

    async fn commit(&mut self) -> Result<(), NotCommitted> {
        transaction::commit(self.connection().map_err(NotCommitted::Aborted)?)
    }

    async fn roll_back(&mut self) -> Result<(), Error> {
        transaction::roll_back(self.connection()?)
    }

    /// A small write proves nothing: it may find room in what a large one, which failed, has left.
    async fn probe(&mut self, now: Timestamp) -> Result<(), Error> {
        let connection = self.connection()?;
        meta::put(connection, meta::PROBE, vec![0_u8; PROBE_BYTES])?;
        meta::put(connection, meta::PROBE, now.0)
    }

    fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    fn close(&mut self) {
        self.connection = None;
    }

    async fn open(&mut self) -> Result<(), Error> {
        let connection = connect(&database_path(&self.data_dir), Use::Writer)?;
        if checkpoint::run(&connection, Mode::Truncate)?.is_blocked {
            return Err(Error::Unusable(
                "the write-ahead log is still being read".to_owned(),
            ));
        }
        let incarnation: Option<String> = meta::get(&connection, meta::INCARNATION)?;
        if incarnation.as_ref() != Some(&self.incarnation) {
            return Err(Error::Unusable(
                "another database lies in the data directory".to_owned(),
            ));
        }
        self.connection = Some(connection);
        super::check_in_background(&self.data_dir, &self.shared);
        Ok(())
    }
}

/// The thread, with the lane in it.
pub(super) struct LaneThread {
    shared: Arc<Shared>,
    work: Receiver<Work>,
    lane: Lane<Writer>,
}

enum Next {
    Work(Work),
    Idle,
    Close,
    Abandoned,
}

impl LaneThread {
    pub(super) fn new(
        options: Options,
        identity: Identity,
        shared: Arc<Shared>,
        work: Receiver<Work>,
        connection: Connection,
    ) -> Self {
        let setup = Setup {
            content_key: identity.content_key,
            idempotency_ms: options.idempotency_ms,
            strangers_day_max: options.strangers_day_max,
            clock: options.clock,
            renderer: options.renderer,
            listener: options.listener,
            watch: Arc::clone(&shared.lane),
        };
        let writer = Writer {
            data_dir: options.data_dir,
            incarnation: identity.incarnation,
            shared: Arc::clone(&shared),
            connection: Some(connection),
        };
        Self {
            shared,
            work,
            lane: Lane::new(setup, writer),
        }
    }

    pub(super) fn run(mut self) {
        loop {
            match self.next() {
                Next::Work(Work::Job(job)) => {
                    let jobs = self.gather(*job);
                    self.serve(jobs);
                }
                Next::Work(Work::Wake) => {}
                #[cfg(test)]
                Next::Work(Work::Inspect(inspect)) => inspect_on(&mut self.lane, inspect),
                Next::Idle => self.look_after(),
                Next::Close => return self.finish(),
                Next::Abandoned => return,
            }
        }
    }

    fn next(&self) -> Next {
        if self.shared.stop() == Stop::Orderly {
            return self.work.try_recv().map_or(Next::Close, Next::Work);
        }
        match self.work.recv_timeout(TICK) {
            Ok(work) => Next::Work(work),
            Err(RecvTimeoutError::Timeout) => Next::Idle,
            Err(RecvTimeoutError::Disconnected) => Next::Abandoned,
        }
    }

    fn gather(&mut self, first: Job) -> Vec<Job> {
        gather(first, || {
            loop {
                match self.work.try_recv().ok()? {
                    Work::Job(job) => return Some(*job),
                    Work::Wake => {}
                    #[cfg(test)]
                    Work::Inspect(inspect) => inspect_on(&mut self.lane, inspect),
                }
            }
        })
    }

    fn serve(&mut self, jobs: Vec<Job>) {
        if self.shared.wants_restart.swap(false, Relaxed) {
            self.checkpoint(Mode::Restart);
        }
        if self.shared.lane.stats.wal_bytes.load(Relaxed) > WAL_BYTES_MAX {
            let why =
                "the write-ahead log has reached its greatest size: something reads for too long";
            let error = LedgerError::Unavailable(why.to_owned());
            return self.lane.refuse(jobs, &error);
        }
        at_once(self.lane.serve(jobs));
    }

    fn look_after(&mut self) {
        at_once(self.lane.look_after());
        if checkpoint::file_bytes(&self.lane.store().data_dir) > WAL_IDLE_BYTES_MAX {
            self.checkpoint(Mode::Truncate);
        }
    }

    fn checkpoint(&mut self, mode: Mode) {
        let Some(connection) = &self.lane.store().connection else {
            return;
        };
        match checkpoint::run(connection, mode) {
            Ok(progress) if progress.is_blocked => {}
            Ok(_) => self.shared.lane.stats.wal_bytes.store(0, Relaxed),
            Err(error) if error.is_broken_connection() => self.lane.lose(&error),
            Err(error) => tracing::warn!(error = error.chain(), "failed to checkpoint"),
        }
    }

    /// Everything is answered: leave the database as one file, and say that it was an orderly stop.
    fn finish(mut self) {
        self.checkpoint(Mode::Truncate);
        let Some(connection) = &self.lane.store().connection else {
            return;
        };
        if let Err(error) = meta::put(connection, meta::IS_CLEAN, 1) {
            tracing::warn!(error = error.chain(), "failed to mark an orderly stop");
        }
    }
}

#[cfg(test)]
fn inspect_on(lane: &mut Lane<Writer>, inspect: Box<dyn FnOnce(&mut Connection) + Send>) {
    if let Some(connection) = &mut lane.store().connection {
        inspect(connection);
    }
}

/// What a future comes to that never waits: `SQLite` waits in its own calls.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("nothing in this lane waits for anybody else"),
    }
}
