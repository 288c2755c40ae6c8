//! The server's wall clock, falsified by libfaketime. Its monotonic clock stays right, as when somebody sets the time.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::tools::Missing;

/// Where distributions put libraries.
const LIBRARIES: &[&str] = &["/usr/lib", "/usr/lib64"];
/// The library, for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// A clock that can be set while servers run by it.
#[derive(Clone, Debug)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
    /// Seconds by which it is wrong.
    offset: Arc<Mutex<i64>>,
}

impl Clock {
    /// One that is right, kept in a directory.
    pub fn right(directory: &Path) -> Result<Self, Missing> {
        let missing = |reason: String| Missing {
            part: "clocks that jump",
            reason,
        };
        let library = find().ok_or_else(|| missing("libfaketime is not installed".to_owned()))?;
        let file = directory.join("clock");
        let clock = Self {
            library,
            file,
            offset: Arc::default(),
        };
        clock.set(0).map_err(|error| missing(error.to_string()))?;
        Ok(clock)
    }

    /// What a server's environment needs to go by this clock.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let variables = [
            ("LD_PRELOAD", self.library.as_os_str()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.as_os_str()),
            // Seconds after which a change is noticed; 0 would read the file for every look at the clock.
            ("FAKETIME_CACHE_DURATION", "1".as_ref()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".as_ref()),
        ];
        variables
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec()
    }

    /// Makes it wrong by so many seconds. Servers notice within a second.
    pub fn set(&self, seconds: i64) -> io::Result<()> {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n"))?;
        // Nobody must read half of it.
        fs::rename(next, &self.file)?;
        *offset = seconds;
        Ok(())
    }

    /// Takes away what the library leaves behind of a server that was killed.
    pub fn forget(process: u32) {
        for prefix in ["faketime_shm", "sem.faketime_sem"] {
            // A server that ended by itself has left nothing.
            let _ = fs::remove_file(format!("/dev/shm/{prefix}_{process}"));
        }
    }

    /// Seconds by which it is wrong.
    pub fn offset(&self) -> i64 {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find() -> Option<PathBuf> {
    let below = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let homes = LIBRARIES.iter().map(Path::new);
    let mut homes = homes.flat_map(|home| [vec![home.to_owned()], below(home)].concat());
    homes.find_map(|home| Some(home.join(LIBRARY)).filter(|library| library.is_file()))
}
