//! Why a service is not there.

use std::io;

/// Why a service could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Its programs are not installed here, or may not be run. Tests skip out loud then ([`crate::or_skip`]).
    #[error("{part} cannot be had here: {reason}")]
    Missing {
        /// What is missing.
        part: &'static str,
        /// Why, and what to do about it.
        reason: String,
    },
    /// Something went wrong.
    #[error("failed to {doing}")]
    Io {
        /// What was under way.
        doing: String,
        /// What happened.
        source: io::Error,
    },
}

impl Trouble {
    /// What makes trouble of an error.
    pub(crate) fn when(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Something that went wrong without an error of the system.
    pub(crate) fn told(doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::when(doing)(io::Error::other(why.into()))
    }
}
