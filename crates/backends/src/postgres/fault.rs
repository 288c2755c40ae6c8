//! What errors of the database server mean.

use tokio_postgres::{Error, error::SqlState};

/// What an error means for whoever wanted something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Others wrote the same at the same time; the transaction was undone.
    Conflict,
    /// The connection is of no use any more.
    Lost,
    /// The server has no room.
    Full,
    /// The server's files are damaged.
    Damaged,
    /// The server cannot do it now.
    Outage,
    /// The statement is wrong, or its values are.
    Command,
}

/// What an error means.
pub(crate) fn fault(error: &Error) -> Fault {
    let Some(code) = error.code() else {
        // It did not come from the server: nobody knows what is still under way on the connection.
        return Fault::Lost;
    };
    if [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::UNIQUE_VIOLATION,
        SqlState::LOCK_NOT_AVAILABLE,
    ]
    .contains(code)
    {
        return Fault::Conflict;
    }
    match (&code.code()[..2], code.code()) {
        // Connections; sessions that idled too long; servers that stop, start or only read.
        ("08" | "57", _) if *code != SqlState::QUERY_CANCELED => Fault::Lost,
        (_, "25P03" | "25P04" | "25006" | "3D000") | ("28", _) => Fault::Lost,
        (_, "53100") => Fault::Full,
        ("XX", "XX001" | "XX002") => Fault::Damaged,
        ("53" | "57" | "58", _) => Fault::Outage,
        _ => Fault::Command,
    }
}

impl Fault {
    /// Whether the server is in trouble, rather than one command.
    pub(crate) fn is_outage(self) -> bool {
        self != Self::Command
    }

    /// For whoever asks about the store's health: no addresses and no content.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Conflict => "others hold the database",
            Self::Lost => "the database server does not answer",
            Self::Full => "the database server's disk is full",
            Self::Damaged => "the database is damaged",
            Self::Outage | Self::Command => "the database server does not take writes",
        }
    }
}
