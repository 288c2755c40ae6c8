//! Connections: where to, how the sessions are set, and what is demanded of the server.
//!
//! Invariant: nothing is written through a session whose server has not shown that what it acknowledges is durable.

use std::{
    collections::HashMap,
    future::poll_fn,
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::{join_all, try_join_all};
use semel_core::ports::Listener;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Statement,
    config::{Host, SslMode, TargetSessionAttrs},
    error::{DbError, Severity},
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{plain, statements, tls};
use crate::Error;

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The same where there are other servers to go to: one that hangs takes connections all the same, and says nothing. Whoever
/// waits for an answer does not wait longer than for two of these.
const ONE_OF_SEVERAL_MAX: Duration = Duration::from_secs(2);
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
    /// With all servers.
    config: Config,
    /// With one of them each.
    servers: Vec<Config>,
    tls: tls::Tls,
    newest: Arc<Mutex<Newest>>,
}

/// The newest history of the database that was seen behind an address, or a copy of it.
#[derive(Default)]
struct Newest {
    timeline: String,
    /// Told when there is a newer one.
    listener: Option<Arc<dyn Listener>>,
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
        let config = Config::from_str(&url).map_err(unusable)?;
        if config.get_hosts().is_empty() {
            return Err(Error::Unusable(
                "the database's address names no host".to_owned(),
            ));
        }
        let set = |mut config: Config| {
            if config.get_connect_timeout().is_none() {
                config.connect_timeout(CONNECT_MAX);
            }
            config
                .target_session_attrs(TargetSessionAttrs::ReadWrite)
                .tcp_user_timeout(UNACKNOWLEDGED_MAX)
                .keepalives_idle(UNACKNOWLEDGED_MAX);
            parameters.apply(&mut config);
            config
        };
        let servers = one_by_one(&url)
            .into_iter()
            .map(|url| Config::from_str(&url));
        let servers: Vec<Config> = servers.collect::<Result<_, _>>().map_err(unusable)?;
        let config = set(config);
        let tls = tls::Tls::new(&parameters, config.get_ssl_mode() != SslMode::Disable)?;
        Ok(Self {
            config,
            servers: servers.into_iter().map(set).collect(),
            tls,
            newest: Arc::default(),
        })
    }
}

/// An address for each of the hosts that stand in one, in their order.
fn one_by_one(url: &str) -> Vec<String> {
    let all = || vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return all();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (account, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    // Hosts may also stand behind the question mark: then nobody knows which belong together.
    if !hosts.contains(',') || path.contains("host=") || path.contains("port=") {
        return all();
    }
    let one = |host| format!("{scheme}://{account}{host}{path}");
    hosts.split(',').map(one).collect()
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

    /// The database, for people. Unnamed, it is called like the user.
    pub(crate) fn database(&self) -> &str {
        let user = self.config.get_user();
        self.config.get_dbname().or(user).unwrap_or_default()
    }

    /// Has somebody told when a standby has taken the place of the database, before anything is read from it.
    pub(super) fn tell(&self, listener: Arc<dyn Listener>) {
        self.newest().listener = Some(listener);
    }

    /// Whether this is the newest history that was seen, which it is from now on, or an older one: then the server that
    /// writes it was replaced and has come back.
    pub(super) fn note(&self, timeline: &str) -> Result<(), Error> {
        let mut newest = self.newest();
        if timeline < newest.timeline.as_str() {
            return Err(came_back());
        }
        let is_another = !newest.timeline.is_empty() && timeline != newest.timeline;
        timeline.clone_into(&mut newest.timeline);
        // Told while nobody else can take this history for known.
        if is_another && let Some(listener) = &newest.listener {
            listener.replaced();
        }
        Ok(())
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn came_back() -> Error {
    Error::Lost("its place was taken by another one already")
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
    /// Connects to the first server that will do, checks it, and sets the session. Of several, the first time, one with the
    /// newest history. Statements come later: they need
    /// tables. One that was replaced by another and has come back will not do.
    pub(super) async fn open(address: &Address, name: &str) -> Result<Self, Error> {
        let several = address.servers.len() > 1;
        let limit = if several {
            ONE_OF_SEVERAL_MAX
        } else {
            CONNECT_MAX * 2
        };
        let open = async |server| {
            let late = |_| Error::Lost("connecting takes too long");
            let opened = timeout(limit, Self::open_one(address, server, name)).await;
            opened.map_err(late).flatten()
        };
        let mut failure = None;
        let mut fail = |error| match failure {
            // What is wrong with a server says more than that another one is not there.
            Some(Error::Unusable(_)) => {}
            _ => failure = Some(error),
        };
        if several && address.newest().timeline.is_empty() {
            // All at once: the first of them may have been replaced before this process was there to see it.
            let opened = join_all(address.servers.iter().map(open)).await;
            for opened in opened {
                match opened {
                    Ok(session) if session.is_outdated(address) => fail(came_back()),
                    Ok(session) => return Ok(session),
                    Err(error) => fail(error),
                }
            }
        } else {
            for server in &address.servers {
                match open(server).await {
                    Ok(session) => return Ok(session),
                    Err(error) => fail(error),
                }
            }
        }
        Err(failure.unwrap_or(Error::Lost("the address names no server")))
    }

    async fn open_one(address: &Address, server: &Config, name: &str) -> Result<Self, Error> {
        let mut config = server.clone();
        if config.get_application_name().is_none() {
            config.application_name(format!("semel {name}"));
        }
        let mut session = match &address.tls {
            tls::Tls::None(connector) => connect(&config, *connector).await?,
            tls::Tls::Rustls(connector) => connect(&config, connector.clone()).await?,
        };
        session.client.batch_execute(SETTINGS).await?;
        session.timeline = session.check().await?;
        address.note(&session.timeline)?;
        Ok(session)
    }

    /// Whether another server has taken the place of this one since, as far as sessions of the same address have seen.
    pub(super) fn is_outdated(&self, address: &Address) -> bool {
        self.timeline < address.newest().timeline
    }

    /// Makes the statements ready, so that none of them waits for itself later and changes places with another.
    pub(super) async fn prepare(&mut self) -> Result<(), Error> {
        let client = &self.client;
        let prepare = statements::ALL
            .iter()
            .copied()
            .chain(plain::statements())
            .map(|sql| async move { Ok::<_, Error>((sql, client.prepare(sql).await?)) });
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
        // Pinned: a session follows the server's settings otherwise, when they are changed.
        let pin = match setting(4).as_str() {
            "on" => "SET synchronous_commit = 'on'",
            "remote_apply" => "SET synchronous_commit = 'remote_apply'",
            weaker => {
                return refuse(&format!(
                    "has synchronous_commit = {weaker}: what it acknowledges may be lost; set it to on"
                ));
            }
        };
        self.client.batch_execute(pin).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_several_hosts_is_one_for_each() {
        let urls = one_by_one("postgres://ann:a,b@one:1,[::1]:2,three/chat?sslmode=require");
        let expected = [
            "postgres://ann:a,b@one:1/chat?sslmode=require",
            "postgres://ann:a,b@[::1]:2/chat?sslmode=require",
            "postgres://ann:a,b@three/chat?sslmode=require",
        ];
        assert_eq!(urls, expected);
        for url in [
            "postgres://one/chat",
            "postgres://ann@/chat?host=/run/one,/run/two",
            "host=one,two",
        ] {
            assert_eq!(one_by_one(url), [url]);
        }
    }

    #[derive(Default)]
    struct Told(AtomicU64);

    impl Listener for Told {
        fn committed(&self, _: semel_core::ports::News) {}
        fn recovered(&self) {}
        fn replaced(&self) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn a_server_that_was_replaced_is_not_believed_again() {
        let address: Address = "postgres://one,two/chat".parse().expect("it is one");
        let copy = address.clone();
        let told = Arc::<Told>::default();
        address.tell(told.clone());
        address.note("00000001").expect("the first");
        copy.note("00000001").expect("the same");
        assert_eq!(told.0.load(SeqCst), 0);
        copy.note("00000002").expect("a newer one");
        assert!(address.note("00000001").is_err());
        address.note("00000002").expect("the newest");
        assert_eq!(told.0.load(SeqCst), 1);
    }
}
