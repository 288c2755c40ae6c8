//! Connections: where to, how the sessions are set, and what is demanded of the server.
//!
//! Invariant: nothing is written through a session whose server has not shown that what it acknowledges is durable.

use std::{
    collections::HashMap,
    future::poll_fn,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Statement,
    config::{Host, SslMode, TargetSessionAttrs},
    error::{DbError, Severity},
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{statements, tls};
use crate::Error;

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an answer of the server may take, other than to a commit.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How long sent bytes may stay without an acknowledgement of the other machine.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);
/// The oldest version of the server that will do.
const VERSION_MIN: i32 = 140_000;

/// How sessions are set. A statement ends, a lock is not waited for, and a transaction is not held by somebody who sleeps,
/// beyond some seconds, all of it less than a lease. Every statement goes by a key, so that tables are never read through.
const SETTINGS: &str = "SET statement_timeout = '15s'; SET lock_timeout = '8s';
    SET idle_in_transaction_session_timeout = '5s'; SET client_connection_check_interval = '2s';
    SET default_transaction_isolation = 'read committed'; SET enable_seqscan = off; SET jit = off;
    SET client_min_messages = 'warning'";

/// Where the database is.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: tls::Tls,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password.
        f.debug_struct("Address")
            .field("hosts", &self.config.get_hosts())
            .field("database", &self.config.get_dbname())
            .finish_non_exhaustive()
    }
}

impl FromStr for Address {
    type Err = Error;

    /// Reads a `postgres://` address, as `libpq` has them. With several hosts the one is taken that takes writes.
    fn from_str(url: &str) -> Result<Self, Error> {
        let (url, parameters) = tls::split(url)?;
        let unusable = |error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            Error::Unusable(format!(
                "the database's address is not valid: {}",
                why.unwrap_or_default()
            ))
        };
        let mut config = Config::from_str(&url).map_err(unusable)?;
        if config.get_hosts().is_empty() {
            return Err(Error::Unusable(
                "the database's address names no host".to_owned(),
            ));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_MAX);
        }
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX)
            .keepalives_idle(UNACKNOWLEDGED_MAX);
        parameters.apply(&mut config);
        let tls = tls::Tls::new(&parameters, config.get_ssl_mode() != SslMode::Disable)?;
        Ok(Self { config, tls })
    }
}

impl Address {
    /// Hosts, for logs.
    pub fn hosts(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        hosts.collect::<Vec<_>>().join(", ")
    }
}

/// A connection that is ready for use.
pub(super) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    warnings: Arc<AtomicU64>,
    timeline: String,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // What it still has under way is of no use to anybody.
        self.driver.abort();
    }
}

impl Session {
    /// Connects, checks the server, and sets the session. Statements come later: they need tables.
    pub(super) async fn open(address: &Address, name: &str) -> Result<Self, Error> {
        let mut config = address.config.clone();
        if config.get_application_name().is_none() {
            config.application_name(format!("semel {name}"));
        }
        let open = async {
            let mut session = match &address.tls {
                tls::Tls::None(connector) => connect(&config, *connector).await?,
                tls::Tls::Rustls(connector) => connect(&config, connector.clone()).await?,
            };
            session.client.batch_execute(SETTINGS).await?;
            session.timeline = session.check().await?;
            Ok(session)
        };
        let late = |_| Error::Lost("connecting takes too long");
        timeout(CONNECT_MAX * 2, open).await.map_err(late)?
    }

    /// Makes the statements ready, so that none of them waits for itself later and changes places with another.
    pub(super) async fn prepare(&mut self) -> Result<(), Error> {
        let client = &self.client;
        let prepare = statements::ALL
            .iter()
            .map(|sql| async move { Ok::<_, Error>((*sql, client.prepare(sql).await?)) });
        self.statements = try_join_all(prepare).await?.into_iter().collect();
        Ok(())
    }

    pub(super) fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// A statement of [`statements::ALL`].
    pub(super) fn statement(&self, sql: &'static str) -> &Statement {
        self.statements
            .get(sql)
            .expect("every statement is in the list of all")
    }

    /// Warnings so far. A commit that brings one is none that can be relied on.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(SeqCst)
    }

    /// Which history of the database the server writes: another one after each promotion.
    pub(super) fn timeline(&self) -> &str {
        &self.timeline
    }

    /// What must be true of a server that is trusted. Returns its timeline.
    async fn check(&self) -> Result<String, Error> {
        let row = self
            .client
            .query_one(
                "SELECT current_setting('server_version_num')::integer, pg_is_in_recovery(),
                     current_setting('fsync'), current_setting('full_page_writes'),
                     current_setting('synchronous_commit'), current_setting('server_encoding')",
                &[],
            )
            .await?;
        let (version, is_standby): (i32, bool) = (row.get(0), row.get(1));
        let setting = |at: usize| row.get::<_, String>(at);
        let refuse = |why: &str| Err(Error::Unusable(format!("the database server {why}")));
        if version < VERSION_MIN {
            return refuse(&format!(
                "has version {}; 14 or newer is needed",
                version / 10_000
            ));
        }
        if is_standby {
            return Err(Error::Lost("it is a standby, which takes no writes"));
        }
        for (name, at) in [("fsync", 2), ("full_page_writes", 3)] {
            if setting(at) != "on" {
                return refuse(&format!(
                    "has {name} = {}: what it acknowledges may be lost or damaged when the power fails; set it to on",
                    setting(at)
                ));
            }
        }
        if !["on", "remote_apply"].contains(&setting(4).as_str()) {
            return refuse(&format!(
                "has synchronous_commit = {}: what it acknowledges may be lost; set it to on",
                setting(4)
            ));
        }
        if setting(5) != "UTF8" {
            return refuse(&format!(
                "keeps this database in {}; create it with ENCODING 'UTF8'",
                setting(5)
            ));
        }
        let timeline = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";
        Ok(self.client.query_one(timeline, &[]).await?.get(0))
    }
}

async fn connect<T>(config: &Config, tls: T) -> Result<Session, Error>
where
    T: MakeTlsConnect<tokio_postgres::Socket> + Clone + 'static,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<tokio_postgres::Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    let warnings: Arc<AtomicU64> = Arc::default();
    let driver = tokio::spawn(drive(connection, Arc::clone(&warnings)));
    Ok(Session {
        client,
        statements: HashMap::new(),
        warnings,
        timeline: String::new(),
        driver,
    })
}

/// Moves bytes until the connection ends. A notice that comes before an answer is counted before the answer is given.
async fn drive<S, T>(mut connection: Connection<S, T>, warnings: Arc<AtomicU64>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => note(&notice, &warnings),
            Ok(_) => {}
            // Whoever waits for an answer is told.
            Err(_) => return,
        }
    }
}

fn note(notice: &DbError, warnings: &AtomicU64) {
    if notice.parsed_severity() == Some(Severity::Warning) || notice.severity() == "WARNING" {
        warnings.fetch_add(1, SeqCst);
        tracing::warn!(
            code = notice.code().code(),
            message = notice.message(),
            "the database server warns"
        );
    }
}
