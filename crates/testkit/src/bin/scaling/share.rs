//! A share of a core for each server, so that one machine can show what another server adds: by control groups of Linux.
//!
//! Where this process may not make any, there is nothing to measure.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the system has its control groups.
const ROOT: &str = "/sys/fs/cgroup";
/// Time in which a group gets its share, in microseconds: short, so that nobody waits long for the next one.
const PERIOD_MICROS: u32 = 20_000;

/// A group of processes that get no more than a share of a core together. Dropping it gives them up: end them first.
#[derive(Debug)]
pub(crate) struct Share(PathBuf);

impl Share {
    /// A new group that gets `cores` of a core at most; a name that no other group has.
    pub(crate) fn new(name: &str, cores: f64) -> io::Result<Self> {
        Self::below(Path::new(ROOT), name, cores)
    }

    fn below(root: &Path, name: &str, cores: f64) -> io::Result<Self> {
        let quota = (cores * f64::from(PERIOD_MICROS)) as u32;
        // The second version has one tree for everything, the first one a tree for each kind.
        let is_unified = root.join("cgroup.controllers").exists();
        let folder = if is_unified {
            root.join(name)
        } else {
            root.join("cpu").join(name)
        };
        fs::create_dir(&folder)?;
        let share = Self(folder);
        if is_unified {
            share.write("cpu.max", &format!("{quota} {PERIOD_MICROS}"))?;
        } else {
            share.write("cpu.cfs_period_us", &PERIOD_MICROS.to_string())?;
            share.write("cpu.cfs_quota_us", &quota.to_string())?;
        }
        Ok(share)
    }

    /// Puts a process into it, with all its threads.
    pub(crate) fn take(&self, pid: u32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::write(self.0.join(file), text)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // One that is left over limits nobody.
        let _ = fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_as_either_version_wants_it() {
        let first = tempfile::tempdir().unwrap();
        fs::create_dir(first.path().join("cpu")).unwrap();
        let share = Share::below(first.path(), "one", 0.15).unwrap();
        share.take(7).unwrap();
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        let folder = first.path().join("cpu").join("one");
        assert_eq!(read(folder.join("cpu.cfs_period_us")), "20000");
        assert_eq!(read(folder.join("cpu.cfs_quota_us")), "3000");
        assert_eq!(read(folder.join("cgroup.procs")), "7");

        let second = tempfile::tempdir().unwrap();
        fs::write(second.path().join("cgroup.controllers"), "cpu").unwrap();
        let _share = Share::below(second.path(), "one", 0.5).unwrap();
        assert_eq!(
            read(second.path().join("one").join("cpu.max")),
            "10000 20000"
        );
    }
}
