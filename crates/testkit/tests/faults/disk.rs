//! A small disk.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
};

use semel_testkit::skip;
use tempfile::TempDir;

/// Bytes of one piece of ballast: the smallest that a file system gives out.
const PIECE: [u8; 4096] = [7; 4096];

/// A file system in memory with few bytes. Dropping it unmounts it.
pub(crate) struct Disk {
    directory: TempDir,
}

impl Disk {
    /// None, and a line about it, where this user may not mount.
    pub(crate) fn mount(mebibytes: usize) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "semel-test"])
            .arg(directory.path());
        if !mount.output().is_ok_and(|output| output.status.success()) {
            skip("full disk", "mounting a small file system needs root");
            return None;
        }
        Some(Self { directory })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Leaves not a single page free.
    pub(crate) fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        loop {
            match ballast.write_all(&PIECE) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Takes the ballast away.
    pub(crate) fn relieve(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there ends soon.
        let unmounted = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .status();
        assert!(std::thread::panicking() || unmounted.unwrap().success());
    }
}
