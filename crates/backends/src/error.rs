//! What can go wrong in a store.

use std::{io, path::PathBuf};

use semel_core::ports::LedgerError;

use crate::postgres::{Fault, fault};

/// Why a store did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database engine refused.
    #[error("use the database")]
    Sqlite(#[from] rusqlite::Error),
    /// The database server refused, or did not answer.
    #[error("use the database server")]
    Postgres(#[from] tokio_postgres::Error),
    /// Others wrote the same at the same time: everything was undone, and deciding again will do.
    #[error("others were faster: {0}")]
    Conflict(&'static str),
    /// Others hold what is needed for too long.
    #[error("others hold what is needed: {0}")]
    Busy(&'static str),
    /// The connection to the database server is of no use any more.
    #[error("lost the database server: {0}")]
    Lost(&'static str),
    /// The file system refused.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is stored, or what should be, breaks the store's own rules.
    #[error("{0}")]
    Corrupt(String),
    /// Another server has the data directory.
    #[error(
        "another server is running on {} (it holds semel.lock there); stop it, or choose another data directory",
        .0.display()
    )]
    InUse(PathBuf),
    /// This program cannot work with the database as it is.
    #[error("{0}")]
    Unusable(String),
}

/// What keeps a database server from being used now, and may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It is not there: nobody listens, or it only just starts.
    Away,
    /// It takes no writes: it is a standby, or is set to read only.
    ReadOnly,
    /// It answers, but others hold what is needed, or it has no room for one more.
    Busy,
}

impl Error {
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// Whether the store itself is in trouble, rather than one command.
    pub(crate) fn is_outage(&self) -> bool {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull,
            FileLockingProtocolFailed, NotADatabase, OutOfMemory, PermissionDenied, ReadOnly,
            SystemIoFailure,
        };
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    CannotOpen
                        | DatabaseBusy
                        | DatabaseCorrupt
                        | DatabaseLocked
                        | DiskFull
                        | FileLockingProtocolFailed
                        | NotADatabase
                        | OutOfMemory
                        | PermissionDenied
                        | ReadOnly
                        | SystemIoFailure
                )
            ),
            Self::Postgres(error) => fault(error).is_outage(),
            Self::Io { .. } | Self::Busy(_) | Self::Lost(_) | Self::Conflict(_) => true,
            Self::Corrupt(_) | Self::InUse(_) | Self::Unusable(_) => false,
        }
    }

    /// Whether the same decisions, made again, may well be stored.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Postgres(error) => fault(error) == Fault::Conflict,
            Self::Conflict(_) => true,
            _ => false,
        }
    }

    /// Whether it is a matter of waiting, for each command alone as for all of them.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_))
    }

    /// Whether a write found no room.
    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }

    /// Whether the connection must not be used any more: what it believes to be on the disk may not be there.
    pub(crate) fn is_broken_connection(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(DatabaseCorrupt | NotADatabase | SystemIoFailure)
            ),
            Self::Postgres(error) => fault(error) == Fault::Lost,
            Self::Lost(_) => true,
            _ => false,
        }
    }

    /// What has to pass before a start can go on; none: time does not mend it.
    pub fn hindrance(&self) -> Option<Hindrance> {
        match self {
            Self::Postgres(error) => hindrance(error),
            Self::Lost(_) => Some(Hindrance::Away),
            Self::Busy(_) | Self::Conflict(_) => Some(Hindrance::Busy),
            _ => None,
        }
    }

    /// What is wrong with the store, for whoever asks about its health: no paths and no content.
    pub(crate) fn reason(&self) -> String {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
            PermissionDenied, ReadOnly, SystemIoFailure,
        };
        let text = match self {
            Self::Unusable(text) => text,
            Self::Corrupt(_) => "the database breaks its own rules",
            Self::InUse(_) => "another server uses the database",
            Self::Io { .. } => "a file cannot be used",
            Self::Postgres(error) => fault(error).reason(),
            Self::Conflict(_) | Self::Busy(_) => "others hold the database",
            Self::Lost(_) => Fault::Lost.reason(),
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(DiskFull) => "the disk is full",
                Some(SystemIoFailure) => "the disk reports errors",
                Some(DatabaseCorrupt | NotADatabase) => "the database is damaged",
                Some(DatabaseBusy | DatabaseLocked) => "another program holds the database",
                Some(CannotOpen | PermissionDenied | ReadOnly) => "the database cannot be written",
                _ => "the database does not take writes",
            },
        };
        text.to_owned()
    }

    /// What the caller of a command is told, when the command definitely had no effect.
    pub(crate) fn for_caller(&self) -> LedgerError {
        let text = self.chain();
        if self.is_outage() {
            LedgerError::Unavailable(text)
        } else {
            LedgerError::Internal(text)
        }
    }

    /// The error with its sources, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

fn hindrance(error: &tokio_postgres::Error) -> Option<Hindrance> {
    let Some(code) = error.code() else {
        return unanswered(error);
    };
    match fault(error) {
        // Of these some are wrong names and passwords.
        Fault::Lost => match (&code.code()[..2], code.code()) {
            ("08" | "57", _) => Some(Hindrance::Away),
            (_, "25006") => Some(Hindrance::ReadOnly),
            ("25", _) => Some(Hindrance::Busy),
            _ => None,
        },
        Fault::Conflict | Fault::Full | Fault::Outage => Some(Hindrance::Busy),
        Fault::Damaged | Fault::Command => None,
    }
}

/// What the network or this program's own end says. A certificate that is not trusted will not be so soon.
fn unanswered(error: &(dyn std::error::Error + 'static)) -> Option<Hindrance> {
    let Some(error) = error.downcast_ref::<io::Error>() else {
        return error.source().and_then(unanswered);
    };
    let of_tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    // The library asked the server whether it takes writes; the system's own refusals have a number.
    let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
    if is_refused && error.raw_os_error().is_none() {
        return Some(Hindrance::ReadOnly);
    }
    of_tls.is_none().then_some(Hindrance::Away)
}
