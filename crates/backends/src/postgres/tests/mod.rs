//! The suite of all engines, and what only this one has.

mod cluster;
mod faults;
mod opening;
mod schema;
mod server;
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
pub(super) struct Postgres {
    database: Database,
    world: World,
    ledger: Option<Arc<PostgresLedger>>,
}

/// A database of a test.
pub(super) struct Database {
    name: String,
}

impl Database {
    pub(super) fn new() -> Self {
        Self::with("ENCODING 'UTF8'")
    }

    pub(super) fn with(options: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("semel_test_{}_{number}", std::process::id());
        let database = Self { name };
        database.administer(&format!(
            "CREATE DATABASE {{}} {options} TEMPLATE template0"
        ));
        database
    }

    pub(super) fn address(&self) -> Address {
        self.url().parse().expect("an address")
    }

    fn url(&self) -> String {
        let url = &server::server().expect("there is a server").url;
        url.replacen("/postgres", &format!("/{}", self.name), 1)
    }

    /// A connection beside the ledger's own.
    pub(super) async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// From the server's own database, on a thread that is in no runtime.
    fn administer(&self, sql: &str) {
        let sql = sql.replace("{}", &self.name);
        let work = async move {
            let client = client(&server::server().expect("there is a server").url).await;
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

pub(super) fn options(address: Address, world: &World) -> Options {
    Options {
        address,
        lanes: 3,
        readers: 2,
        idempotency_ms: IDEMPOTENCY_MS,
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
        server::server().is_some()
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
        wait(async { findings(&self.database.client().await).await })
    }
}

/// Rules that the rows must keep, and how many break them.
async fn findings(client: &Client) -> Vec<String> {
    let checks = [
        (
            "revs have holes",
            "SELECT thread_id FROM log GROUP BY thread_id HAVING max(rev) <> count(*) OR min(rev) <> 1",
        ),
        (
            "seqs have holes",
            "SELECT thread_id FROM log GROUP BY thread_id
             HAVING coalesce(max(seq), 0) <> count(seq) OR max(last_seq) <> count(seq)",
        ),
        (
            "a client id leads nowhere",
            "SELECT c.thread_id FROM client_ids c LEFT JOIN log l ON l.thread_id = c.thread_id AND l.seq = c.seq
             WHERE c.seq IS NOT NULL AND l.client_id IS DISTINCT FROM c.client_id",
        ),
        (
            "a thread has no log",
            "SELECT id FROM threads WHERE NOT EXISTS (SELECT FROM log WHERE thread_id = id)",
        ),
        (
            "an owner disagrees",
            "SELECT k.thread_id FROM participants_keys k JOIN threads t ON t.id = k.thread_id
             WHERE t.participants_key IS DISTINCT FROM k.participants_key",
        ),
        (
            "a person's log has holes",
            "SELECT l.user_id FROM person_log l LEFT JOIN person_heads h USING (user_id)
             WHERE h.user_rev IS NULL OR h.user_rev < l.user_rev",
        ),
    ];
    let mut found = Vec::new();
    for (what, sql) in checks {
        let rows = client.query(sql, &[]).await.expect("a check");
        if !rows.is_empty() {
            found.push(format!("{what}: {}", rows.len()));
        }
    }
    found
}
