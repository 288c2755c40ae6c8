//! The suite of all engines, and what only this one has.

mod cluster;
mod doctor;
mod faults;
mod opening;
mod restored;
mod schema;
mod seats;
mod servers;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use semel_core::{Changes, Key, Rows, ports::Ledger};
use semel_services::{Shared, shared_postgres};
use tokio::{runtime, task::block_in_place};
use tokio_postgres::{Client, NoTls};

use self::cluster::Cluster;
use super::{
    Address, Options, PostgresLedger, connect::Session, load::load_locked, locks::Locks,
    store::store,
};
use crate::conformance::{
    Engine, conformance,
    world::{IDEMPOTENCY_MS, TestRenderer, World},
};

conformance!(Postgres);

/// A ledger in a database that goes away.
pub(crate) struct Postgres {
    pub(crate) database: Database,
    world: World,
    ledger: Option<Arc<PostgresLedger>>,
}

/// A database of a test.
pub(crate) struct Database {
    name: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self::with("ENCODING 'UTF8' TEMPLATE template0")
    }

    pub(super) fn with(options: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("semel_test_{}_{number}", std::process::id());
        let database = Self { name };
        database.administer(&format!("CREATE DATABASE {{}} {options}"));
        database
    }

    /// Another one with the same content. Nobody may be connected to this one.
    pub(super) fn copy(&self) -> Self {
        Self::with(&format!("TEMPLATE {}", self.name))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> Address {
        self.url().parse().expect("an address")
    }

    /// For another role.
    pub(super) fn address_of(&self, role: &str) -> Address {
        let separator = if self.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}user={role}", self.url());
        url.parse().expect("an address")
    }

    fn url(&self) -> String {
        of_all().url(&self.name)
    }

    /// A connection beside the ledger's own.
    pub(crate) async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// From the server's own database, on a thread that is in no runtime.
    fn administer(&self, sql: &str) {
        let sql = sql.replace("{}", &self.name);
        let work = async move {
            let client = client(&of_all().url("postgres")).await;
            client.batch_execute(&sql).await.expect("a statement");
        };
        let run = move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(work);
        };
        std::thread::spawn(run).join().expect("no panic");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.administer("DROP DATABASE {} WITH (FORCE)");
    }
}

/// The server that all tests share. It is there.
fn of_all() -> &'static Shared {
    shared_postgres().expect("there is a server")
}

pub(super) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

/// Waits where the suite does not.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    block_in_place(|| runtime::Handle::current().block_on(work))
}

pub(crate) fn options(address: Address, world: &World) -> Options {
    Options {
        address,
        lanes: 3,
        readers: 2,
        idempotency_ms: IDEMPOTENCY_MS,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        renderer: Arc::new(TestRenderer),
        listener: world.listener.clone(),
    }
}

impl Postgres {
    pub(super) fn postgres(&self) -> &Arc<PostgresLedger> {
        self.ledger.as_ref().expect("it is open")
    }

    async fn open(&mut self) {
        let options = options(self.database.address(), &self.world);
        self.ledger = Some(PostgresLedger::open(options).await.expect("it opens"));
    }
}

#[async_trait]
impl Engine for Postgres {
    fn is_there() -> bool {
        shared_postgres().is_some()
    }

    fn new(world: World) -> Self {
        let mut engine = Self {
            database: Database::new(),
            world,
            ledger: None,
        };
        wait(engine.open());
        engine
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(self.postgres()) as Arc<dyn Ledger>
    }

    fn store(&self, changes: &Changes) {
        wait(async {
            let mut session = Session::open(&self.database.address(), "test")
                .await
                .expect("a session");
            session.prepare().await.expect("statements");
            session
                .client()
                .batch_execute("BEGIN")
                .await
                .expect("a transaction");
            let users = changes.users.iter().map(|(who, _)| Key::User(who.clone()));
            let answers = changes
                .answers
                .iter()
                .map(|((who, key), _)| Key::Answer(who.clone(), key.clone()));
            let seen = Key::Many(users.chain(answers).collect());
            let mut locks = Locks::new();
            load_locked(&session, &seen, &mut Rows::default(), &mut locks)
                .await
                .expect("they are looked at");
            store(&session, changes, &mut locks)
                .await
                .expect("the changes are stored");
            session
                .client()
                .batch_execute("COMMIT")
                .await
                .expect("a commit");
        });
    }

    async fn reopen(&mut self) {
        self.postgres().close().await;
        self.ledger = None;
        self.open().await;
    }

    async fn crash(&mut self) {
        self.ledger = None;
        self.open().await;
    }

    fn findings(&self) -> Vec<String> {
        wait(findings(self.database.address()))
    }
}

/// What the doctor finds.
async fn findings(address: Address) -> Vec<String> {
    let report = super::doctor(&address, &|_| {})
        .await
        .expect("the check runs");
    report.findings.iter().map(ToString::to_string).collect()
}
