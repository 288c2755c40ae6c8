//! The suite of all engines, and what only this one has.

mod backup;
mod doctor;
mod faults;
mod opening;
mod personal;
mod questions;
mod writers;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use rusqlite::Connection;
use semel_core::{Changes, ports::Ledger};
use tempfile::TempDir;

use super::{
    Options, SqliteLedger,
    lane::Work,
    open::{Use, connect, database_path},
    store::store,
};
use crate::conformance::{
    Engine, conformance,
    world::{IDEMPOTENCY_MS, TestRenderer, World},
};

conformance!(Sqlite);

/// A ledger in a directory that goes away.
pub(crate) struct Sqlite {
    directory: TempDir,
    world: World,
    ledger: Option<Arc<SqliteLedger>>,
}

impl Sqlite {
    pub(crate) fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn sqlite(&self) -> &Arc<SqliteLedger> {
        self.ledger.as_ref().expect("it is open")
    }

    /// A connection beside the ledger's own.
    pub(super) fn connection(&self) -> Connection {
        connect(&database_path(self.data_dir()), Use::Checkpoint).expect("a connection")
    }

    /// Does something on the lane's own connection, between two batches.
    pub(super) fn on_lane(&self, work: impl FnOnce(&mut Connection) + Send + 'static) {
        let (sender, receiver) = std::sync::mpsc::channel();
        let inspect = move |connection: &mut Connection| {
            work(connection);
            let _ = sender.send(());
        };
        self.sqlite()
            .send(Work::Inspect(Box::new(inspect)))
            .expect("the lane listens");
        receiver.recv().expect("the lane has its connection");
    }
}

pub(crate) fn options(data_dir: &Path, world: &World) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        readers: 2,
        idempotency_ms: IDEMPOTENCY_MS,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        renderer: Arc::new(TestRenderer),
        listener: world.listener.clone(),
    }
}

#[async_trait]
impl Engine for Sqlite {
    fn new(world: World) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let ledger = SqliteLedger::open(options(directory.path(), &world)).expect("it opens");
        Self {
            directory,
            world,
            ledger: Some(ledger),
        }
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(self.sqlite()) as Arc<dyn Ledger>
    }

    fn store(&self, changes: &Changes) {
        let connection = self.connection();
        connection
            .execute_batch("BEGIN IMMEDIATE")
            .expect("a transaction");
        store(&connection, changes).expect("the changes are stored");
        connection.execute_batch("COMMIT").expect("a commit");
    }

    async fn reopen(&mut self) {
        self.sqlite().close().await;
        self.ledger = None;
        let options = options(self.data_dir(), &self.world);
        self.ledger = Some(SqliteLedger::open(options).expect("it opens again"));
    }

    async fn crash(&mut self) {
        self.ledger = None;
        let options = options(self.data_dir(), &self.world);
        self.ledger = Some(SqliteLedger::open(options).expect("it opens again"));
    }

    fn findings(&self) -> Vec<String> {
        let findings = super::doctor(self.data_dir(), &|_| {}).expect("the check runs");
        findings.iter().map(ToString::to_string).collect()
    }
}
