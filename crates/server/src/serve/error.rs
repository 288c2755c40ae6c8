//! Why a server does not start.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The signing secret cannot be read or made.
    #[error("cannot read or make the signing secret")]
    Secret(#[source] io::Error),
    /// The database cannot be opened.
    #[error("cannot open the database in {directory}")]
    Database {
        /// Where it is.
        directory: PathBuf,
        /// Why.
        #[source]
        source: semel_backends::Error,
    },
    /// The database server was not there in time.
    #[error(
        "no database server answers on {hosts} (tried for {seconds} s, `start_seconds`): start it, or mend `database_url`"
    )]
    DatabaseAway {
        /// Where it should be.
        hosts: String,
        /// How long it was tried.
        seconds: u64,
        /// Why.
        #[source]
        source: semel_backends::Error,
    },
    /// The database server did not take writes in time.
    #[error(
        "the database server on {hosts} takes no writes (tried for {seconds} s, `start_seconds`): promote it if it is a \
         standby, take back `default_transaction_read_only` if it is set, or mend `database_url`"
    )]
    DatabaseReadOnly {
        /// Where it is.
        hosts: String,
        /// How long it was tried.
        seconds: u64,
        /// What it said.
        #[source]
        source: semel_backends::Error,
    },
    /// The database server answered, and could not be used in time.
    #[error(
        "the database server on {hosts} answers, but could not be used (tried for {seconds} s, `start_seconds`)"
    )]
    DatabaseBusy {
        /// Where it is.
        hosts: String,
        /// How long it was tried.
        seconds: u64,
        /// Why not, the last time.
        #[source]
        source: semel_backends::Error,
    },
    /// The database server cannot be used.
    #[error("cannot use the database on {hosts}")]
    DatabaseServer {
        /// Where it is.
        hosts: String,
        /// Why.
        #[source]
        source: semel_backends::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (choose another with `{setting}`)")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The setting that chose it.
        setting: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The data directory cannot be written.
    #[error("cannot write {0}")]
    ServerFile(PathBuf, #[source] io::Error),
    /// The keys that sign access tokens cannot be read or made.
    #[error("cannot read or make the keys that sign access tokens: {0}")]
    SignIn(String),
    /// Servers with another signing secret use the database.
    #[error(
        "the servers of this database have another `jwt_secret_key`, and would refuse the tokens of this one: give it the \
         same; if the secret was changed on purpose, run `semel new-secret` once, with the new one"
    )]
    OtherSecret,
    /// Metrics cannot be counted.
    #[error("cannot count: {0}")]
    Metrics(String),
}
