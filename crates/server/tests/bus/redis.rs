//! A Redis of one test's own.

use std::{ops::Deref, path::Path};

use semel_services::{Trouble, or_skip};
use tempfile::TempDir;

/// In a directory that goes away with it.
pub(crate) struct Redis {
    redis: semel_services::Redis,
    _directory: TempDir,
}

impl Redis {
    /// Starts one; none, with a line that says so, where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn with(more: &[&str]) -> Option<Self> {
        Self::own(|directory| semel_services::Redis::start_with(directory, more))
    }

    /// A sentinel that watches one under a name.
    pub(crate) fn sentinel(service: &str, primary: &Self) -> Option<Self> {
        Self::own(|directory| semel_services::Redis::sentinel(directory, service, primary))
    }

    fn own(start: impl FnOnce(&Path) -> Result<semel_services::Redis, Trouble>) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        Some(Self {
            redis: or_skip(start(directory.path()))?,
            _directory: directory,
        })
    }
}

impl Deref for Redis {
    type Target = semel_services::Redis;

    fn deref(&self) -> &semel_services::Redis {
        &self.redis
    }
}
