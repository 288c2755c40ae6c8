//! Where a lane writes: one session, one transaction at a time.
//!
//! Invariant: every transaction renews the lane's lease and fails when it is gone, so that a server writes nothing after
//! others have given it up. See `docs/decisions/0005`.
//! Invariant: nothing is acknowledged by a server that was replaced, or no longer forces what it commits, as far as any session
//! of this process has seen.
//! Invariant: what comes after a commit that has not clearly succeeded is never an acknowledgement.
//! Invariant: a transaction leaves its number in the lane's lease, and only the row there says whether it was committed. The
//! server's own transaction ids do not: one that was not forced to the disk before a crash is given out again after it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use semel_core::{Changes, Key, Rows};
use semel_protocol::{ThreadId, Timestamp};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    connect::{ANSWER_MAX, Address, Session},
    load::load_locked,
    locks::{Locking, Locks, foreseen},
    meta, migrate,
    order::{LaneOrder, threads_of},
    store::store,
};
use crate::{
    Error,
    lane::{NotCommitted, Store},
    postgres::{Fault, fault},
};

/// How old a lease may be. Longer than any transaction lasts, with whoever sleeps in it.
pub(super) const LEASE: Duration = Duration::from_secs(20);
/// How old a transaction may be when its commit is sent.
const TRANSACTION_MAX: Duration = Duration::from_secs(10);
/// How long a commit may take. It waits for the standbys that the server is to wait for.
const COMMIT_MAX: Duration = Duration::from_secs(10);
/// How long the database is asked what became of a commit.
const INQUIRY_MAX: Duration = Duration::from_secs(8);
/// Between two attempts to ask.
const INQUIRY_PAUSE: Duration = Duration::from_millis(100);

pub(super) const RENEW: &str =
    "UPDATE leases SET seen_at = clock_timestamp(), transaction_number = $3 WHERE server_id = $1 AND lane = $2
     RETURNING substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
         current_setting('synchronous_standby_names') <> '',
         current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'";
pub(super) const TAKE: &str =
    "INSERT INTO leases (server_id, lane, seen_at) VALUES ($1, $2, clock_timestamp())
     ON CONFLICT (server_id, lane) DO UPDATE SET seen_at = excluded.seen_at
     RETURNING transaction_number";
pub(super) const RELEASE: &str = "DELETE FROM leases WHERE server_id = $1 AND lane = $2";
pub(super) const EXPIRE: &str = "DELETE FROM leases WHERE (server_id, lane) IN (
         SELECT server_id, lane FROM leases
         WHERE server_id <> $1 AND seen_at < clock_timestamp() - make_interval(secs => $2) FOR UPDATE SKIP LOCKED
     )";

/// What the lanes of a server share.
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) id: Uuid,
    pub(super) incarnation: String,
}

impl Server {
    pub(super) fn new(address: Address, id: Uuid, incarnation: String) -> Arc<Self> {
        Arc::new(Self {
            address,
            id,
            incarnation,
        })
    }

    /// Whether what a session's server commits is there to stay, by what it answered to [`RENEW`].
    fn trust(&self, session: &Session, renewed: &Row) -> Result<(), Error> {
        if renewed.get::<_, &str>(0) != session.timeline() || session.is_outdated(&self.address) {
            return Err(replaced());
        }
        if !renewed.get::<_, bool>(2) {
            return Err(Error::Lost(
                "it forces to the disk no longer what it commits",
            ));
        }
        Ok(())
    }
}

/// A transaction under way.
struct Transaction {
    started: Instant,
    /// Whether the server knows of it.
    is_begun: bool,
    number: i64,
    /// Whether what others wrote may be on this server only.
    awaits_standby: bool,
    locks: Locks,
    threads: BTreeSet<ThreadId>,
}

/// The session of a lane.
pub(super) struct Writer {
    server: Arc<Server>,
    lane: i64,
    order: Arc<LaneOrder>,
    session: Option<Session>,
    transaction: Option<Transaction>,
    /// Of the last transaction; each one has another one.
    number: i64,
    /// What the lease had when it was taken: the number of the last transaction that was committed, if that is known.
    committed: Option<i64>,
    /// What the last transaction wanted in vain: the next one begins with it.
    wanted: Vec<Key>,
}

impl Writer {
    pub(super) fn new(server: Arc<Server>, lane: i64, order: Arc<LaneOrder>) -> Self {
        Self {
            server,
            lane,
            order,
            session: None,
            transaction: None,
            number: 0,
            committed: None,
            wanted: Vec::new(),
        }
    }

    fn next_number(&mut self) -> i64 {
        self.number += 1;
        self.number
    }

    /// Whether there was a connection, and it has ended, or leads to a server that was replaced.
    pub(super) fn is_cut_off(&self) -> bool {
        self.session.as_ref().is_some_and(|session| {
            session.client().is_closed() || session.is_outdated(&self.server.address)
        })
    }

    /// For idle moments: says that this lane is there, and gives up those of others that are not.
    pub(super) async fn renew(&mut self) -> Result<(), Error> {
        let number = self.next_number();
        let Some(session) = &self.session else {
            return Ok(());
        };
        let work = async {
            let secs = LEASE.as_secs_f64();
            let values: &[&(dyn ToSql + Sync)] = &[&self.server.id, &self.lane, &number];
            let renewed = session
                .client()
                .query_opt(session.statement(RENEW), values)
                .await?;
            self.server.trust(session, &renewed.ok_or_else(fenced)?)?;
            let expire = session.statement(EXPIRE);
            session
                .client()
                .execute(expire, &[&self.server.id, &secs])
                .await?;
            Ok(())
        };
        timely(work).await
    }

    /// The lane ends in an orderly way.
    pub(super) async fn release(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let values: &[&(dyn ToSql + Sync)] = &[&self.server.id, &self.lane];
        let work = async {
            Ok(session
                .client()
                .execute(session.statement(RELEASE), values)
                .await?)
        };
        if let Err(error) = timely(work).await {
            tracing::warn!(error = error.chain(), "failed to give a lease back");
        }
    }

    /// Sends a transaction's begin, and what comes with it at once.
    async fn run(&mut self, key: Option<(&Key, &mut Rows)>) -> Result<(), Error> {
        let session = self.session.as_ref().ok_or_else(closed)?;
        let transaction = self.transaction.as_mut().ok_or_else(closed)?;
        let is_begun = transaction.is_begun;
        transaction.is_begun = true;
        let number = transaction.number;
        let begin = async {
            if is_begun {
                return Ok(None);
            }
            let values: &[&(dyn ToSql + Sync)] = &[&self.server.id, &self.lane, &number];
            let ((), renewed) = tokio::try_join!(biased;
                session.client().batch_execute("BEGIN"),
                session.client().query_opt(session.statement(RENEW), values),
            )?;
            renewed.map(Some).ok_or_else(fenced)
        };
        let locks = &mut transaction.locks;
        let load = async {
            match key {
                Some((key, rows)) => load_locked(session, key, rows, locks).await,
                None => Ok(()),
            }
        };
        let (renewed, ()) = timely(async { tokio::try_join!(biased; begin, load) }).await?;
        if let Some(row) = renewed {
            self.server.trust(session, &row)?;
            transaction.awaits_standby = row.get(1);
        }
        Ok(())
    }

    async fn commit_session(&mut self, transaction: &Transaction) -> Result<(), NotCommitted> {
        let session = self
            .session
            .as_ref()
            .ok_or_else(|| NotCommitted::Aborted(closed()))?;
        if transaction.started.elapsed() > TRANSACTION_MAX {
            return Err(NotCommitted::Aborted(Error::Lost("this server was paused")));
        }
        if session.is_outdated(&self.server.address) {
            return Err(NotCommitted::Aborted(replaced()));
        }
        let warnings = session.warnings();
        match timeout(COMMIT_MAX, session.client().batch_execute("COMMIT")).await {
            Ok(Ok(())) if session.is_outdated(&self.server.address) => {
                Err(NotCommitted::Unknown(replaced()))
            }
            Ok(Ok(())) if session.warnings() == warnings => Ok(()),
            Ok(Ok(())) => Err(NotCommitted::Unknown(Error::Lost(
                "the commit may be on one server only",
            ))),
            Ok(Err(error)) if is_definite(&error) => Err(NotCommitted::Aborted(error.into())),
            Ok(Err(_)) | Err(_) => self.inquire(transaction).await,
        }
    }

    /// The answer to a commit is lost: the lease says what became of it. To take the lease anew waits until the lost
    /// transaction has ended, and is durable only together with it.
    async fn inquire(&mut self, transaction: &Transaction) -> Result<(), NotCommitted> {
        let (started, timeline) = (Instant::now(), self.timeline());
        self.session = None;
        tracing::warn!(
            transaction = transaction.number,
            "a commit was not answered: asking what became of it"
        );
        while let Err(error) = self.open().await {
            if started.elapsed() > INQUIRY_MAX {
                return Err(NotCommitted::Unknown(error));
            }
            sleep(INQUIRY_PAUSE).await;
        }
        let unknown = |why| NotCommitted::Unknown(Error::Lost(why));
        if self.timeline() != timeline {
            return Err(unknown("its place was taken while a commit was under way"));
        }
        match self.committed {
            Some(number) if number == transaction.number => Ok(()),
            Some(_) => Err(NotCommitted::Aborted(Error::Conflict(
                "the commit was undone",
            ))),
            // The lease was given up meanwhile, or nothing was committed under it before.
            None => Err(unknown("it does not know what became of a commit")),
        }
    }

    fn timeline(&self) -> String {
        self.session
            .as_ref()
            .map_or_else(String::new, |session| session.timeline().to_owned())
    }

    /// Connects for the first time. What was moved from here is not all there is any more: a server starts.
    pub(super) async fn start(&mut self) -> Result<(), Error> {
        self.connect(true).await
    }

    async fn connect(&mut self, is_start: bool) -> Result<(), Error> {
        let name = format!("lane {}", self.lane);
        let mut session = Session::open(&self.server.address, &name).await?;
        let work = async {
            session.prepare().await?;
            let committed = self.take_lease(&mut session, is_start).await?;
            Ok((session, committed))
        };
        let (session, committed) = timely(work).await?;
        self.session = Some(session);
        self.committed = committed;
        Ok(())
    }

    /// In one transaction with the question whether this server may still write the database: whoever moves it waits for
    /// leases, or does not let them be taken. The number of the last transaction that was committed under the lease.
    async fn take_lease(
        &self,
        session: &mut Session,
        is_start: bool,
    ) -> Result<Option<i64>, Error> {
        let warnings = session.warnings();
        let transaction = session.client_mut().transaction().await?;
        let lease = transaction
            .query_one(TAKE, &[&self.server.id, &self.lane])
            .await?;
        if is_start {
            meta::stay(&transaction).await?;
        }
        meta::admit(&transaction, &self.server.incarnation).await?;
        migrate::admit(&transaction).await?;
        transaction.commit().await?;
        if session.warnings() != warnings {
            return Err(Error::Lost("what it commits may be on one server only"));
        }
        Ok(lease.get(0))
    }
}

impl Store for Writer {
    const IS_SHARED: bool = true;

    /// Only notes that one begins: it is sent together with the first statements.
    async fn begin(&mut self) -> Result<(), Error> {
        if self
            .session
            .as_ref()
            .is_none_or(|session| session.client().is_closed())
        {
            return Err(closed());
        }
        self.transaction = Some(Transaction {
            started: Instant::now(),
            is_begun: false,
            number: self.next_number(),
            awaits_standby: true,
            locks: Locks::new(),
            threads: BTreeSet::new(),
        });
        Ok(())
    }

    async fn load(&mut self, key: &Key, rows: &mut Rows) -> Result<(), Error> {
        let locking = self
            .transaction
            .as_ref()
            .map(|transaction| transaction.locks.locking());
        let is_first = locking == Some(Locking::Wait);
        let mut keys = vec![key.clone()];
        if is_first {
            keys.append(&mut self.wanted);
        }
        let keys = Key::Many(keys);
        let loaded = Box::pin(self.run(Some((&keys, rows)))).await;
        match loaded {
            Err(Error::Postgres(error)) if is_first && is_lock_timeout(&error) => {
                Err(Error::Busy("a lock was not let go in time"))
            }
            Err(error) if error.is_conflict() => {
                self.wanted = foreseen(&keys);
                Err(error)
            }
            loaded => loaded,
        }
    }

    async fn put(&mut self, changes: &Changes) -> Result<(), Error> {
        Box::pin(self.run(None)).await?;
        let session = self.session.as_ref().ok_or_else(closed)?;
        let transaction = self.transaction.as_mut().ok_or_else(closed)?;
        transaction.threads.extend(threads_of(changes));
        timely(store(session, changes, &mut transaction.locks)).await
    }

    async fn commit(&mut self) -> Result<(), NotCommitted> {
        let transaction = self
            .transaction
            .take()
            .ok_or_else(|| NotCommitted::Aborted(closed()))?;
        if !transaction.threads.is_empty() {
            self.order.announce(transaction.threads.clone());
        }
        let committed = self.commit_session(&transaction).await;
        if committed.is_err() {
            self.order.withdraw();
        }
        committed
    }

    /// What was read may have been committed by a server that has not told anybody: it is durable when something that
    /// comes after it is.
    async fn end_unchanged(&mut self) -> Result<(), NotCommitted> {
        match self.transaction.take() {
            Some(transaction) if transaction.is_begun && transaction.awaits_standby => {
                self.commit_session(&transaction).await
            }
            transaction => {
                self.transaction = transaction;
                self.roll_back().await.map_err(NotCommitted::Aborted)
            }
        }
    }

    async fn roll_back(&mut self) -> Result<(), Error> {
        let is_begun = self
            .transaction
            .take()
            .is_some_and(|transaction| transaction.is_begun);
        match &self.session {
            Some(session) if is_begun && !session.client().is_closed() => {
                let work = async { Ok(session.client().batch_execute("ROLLBACK").await?) };
                let done = timely(work).await;
                if done.is_err() {
                    // What is under way on it would end up in the next transaction.
                    self.session = None;
                }
                done
            }
            _ => Ok(()),
        }
    }

    async fn probe(&mut self, _now: Timestamp) -> Result<(), Error> {
        self.renew().await
    }

    fn is_open(&self) -> bool {
        self.session.is_some()
    }

    fn close(&mut self) {
        self.session = None;
        self.transaction = None;
    }

    async fn open(&mut self) -> Result<(), Error> {
        self.connect(false).await
    }
}

fn closed() -> Error {
    Error::Lost("there is no connection")
}

fn replaced() -> Error {
    Error::Lost("its place was taken by another one")
}

fn fenced() -> Error {
    Error::Lost("this server was given up by the others")
}

/// Whether an error says that a transaction was not committed. A server that stops may have committed it before.
fn is_definite(error: &tokio_postgres::Error) -> bool {
    error.code().is_some() && matches!(fault(error), Fault::Conflict | Fault::Command | Fault::Full)
}

fn is_lock_timeout(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::LOCK_NOT_AVAILABLE)
}

async fn timely<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::Lost("an answer takes too long");
    timeout(ANSWER_MAX, work).await.map_err(late)?
}
