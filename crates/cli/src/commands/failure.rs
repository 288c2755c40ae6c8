//! How a command fails: with a line that says what to do next.

use std::{error::Error, fmt::Write as _, process::ExitCode};

/// What a command ends with.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For people; says what to do next.
    pub(crate) message: String,
    /// For scripts.
    pub(crate) code: ExitCode,
}

impl Failure {
    /// A failure with exit status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: ExitCode::FAILURE,
        }
    }

    /// What failed, and the whole chain of why.
    pub(crate) fn because(what: impl Into<String>, error: &dyn Error) -> Self {
        let mut message = what.into();
        let mut cause = Some(error);
        while let Some(error) = cause {
            write!(message, ": {error}").expect("a string takes every text");
            cause = error.source();
        }
        Self::new(message)
    }

    /// With another exit status.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self {
            code: ExitCode::from(code),
            ..self
        }
    }
}
