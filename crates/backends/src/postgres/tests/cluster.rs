//! Servers of one test's own, to break and to promote.

use std::ops::Deref;

use semel_services::{Postgres, or_skip};
use tempfile::TempDir;
use tokio::task::block_in_place;
use tokio_postgres::Client;

use super::client;

/// A server with files of its own.
pub(super) struct Cluster {
    server: Postgres,
    _directory: TempDir,
}

impl Cluster {
    /// An empty one; none, with a line that says so, where there is no `PostgreSQL`.
    pub(super) fn new() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let started = block_in_place(|| Postgres::start(directory.path(), &[]));
        Some(Self {
            server: or_skip(started)?,
            _directory: directory,
        })
    }

    /// One that follows another under a name.
    pub(super) fn standby_of(primary: &Self, name: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let started = block_in_place(|| primary.standby(directory.path(), name));
        Self {
            server: started.expect("it follows"),
            _directory: directory,
        }
    }

    pub(super) fn url(&self) -> String {
        self.server.url("postgres")
    }

    pub(super) async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// Changes a setting of the running server; new sessions have it then.
    pub(super) fn set(&self, name: &str, value: &str) {
        block_in_place(|| self.server.set(name, value)).expect("it is set");
    }
}

impl Deref for Cluster {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.server
    }
}
