//! A disk of our own: ext4 on a loop device, which can be full, and which can lose power.
//!
//! Invariant: dropping it unmounts it and frees its device, whatever happened before.

use std::{
    ffi::OsStr,
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::tools::{Missing, run};

/// Bytes of one piece of ballast: a page.
const PIECE: [u8; 4096] = [7; 4096];
/// Bytes that the large part of the ballast leaves.
const LEFT_BYTES: u64 = 1024 * 1024;
/// Asks a file system to stop at once: `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`, so that nothing that is in
/// memory reaches the disk any more. In Perl, which every Debian has, because such a call is unsafe in Rust.
const CUT: &str = "open(my $d, '<', $ARGV[0]) or die \"open: $!\\n\"; my $f = pack('L', 2); \
                   ioctl($d, 0x8004587d, $f) or die \"ioctl: $!\\n\";";

/// A mounted file system with few bytes.
#[derive(Debug)]
pub struct Disk {
    scratch: TempDir,
    is_mounted: bool,
}

impl Disk {
    /// Makes and mounts one of so many MiB, in a directory of its own below `scratch`; what was not written takes no
    /// space there.
    pub fn mount(scratch: &Path, mebibytes: u64) -> Result<Self, Missing> {
        let missing = |error: io::Error| Missing {
            part: "disks that are full or lose power",
            reason: format!("an ext4 on a loop device needs root and mkfs.ext4: {error}"),
        };
        let mut disk = Self {
            scratch: tempfile::tempdir_in(scratch).map_err(missing)?,
            is_mounted: false,
        };
        disk.make(mebibytes).map_err(missing)?;
        Ok(disk)
    }

    fn make(&mut self, mebibytes: u64) -> io::Result<()> {
        fs::create_dir(self.path())?;
        fs::File::create(self.image())?.set_len(mebibytes * 1024 * 1024)?;
        let options: [&OsStr; 5] = ["-q", "-F", "-m", "0", "-E"].map(OsStr::new);
        let mut arguments = options.to_vec();
        let image = self.image();
        arguments.extend([
            OsStr::new("lazy_itable_init=1,nodiscard"),
            image.as_os_str(),
        ]);
        run("mkfs.ext4", &arguments)?;
        self.attach()
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join("mounted")
    }

    /// Leaves not a single page free.
    pub fn fill(&self) -> io::Result<()> {
        let ballast = self.path().join("ballast");
        let free = run(
            "stat",
            &["--file-system", "--format=%a %S", &text(&self.path())],
        )?;
        let free: Vec<u64> = free
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        let most = free.iter().product::<u64>().saturating_sub(LEFT_BYTES);
        if most > 0 {
            // The server writes meanwhile: what was free may be taken. Then the pieces below find out how much is left.
            let _ = run(
                "fallocate",
                &["--length", &most.to_string(), &text(&ballast)],
            );
        }
        let mut rest = fs::File::options()
            .append(true)
            .create(true)
            .open(&ballast)?;
        loop {
            match rest.write_all(&PIECE) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the ballast away, for good: a power cut would bring back what is not forced out.
    pub fn relieve(&self) -> io::Result<()> {
        fs::remove_file(self.path().join("ballast"))?;
        fs::File::open(self.path())?.sync_all()
    }

    /// Cuts the power: from now on nothing reaches it, and all that was not forced onto it is lost. Whoever has files open
    /// there gets errors; when they have ended, [`Disk::power_on`] brings it back.
    pub fn cut_power(&self) -> io::Result<()> {
        run("perl", &["-e", CUT, &text(&self.path())]).map(drop)
    }

    /// Unmounts what is left of it, and mounts it again as after a crash.
    pub fn power_on(&mut self) -> io::Result<()> {
        run("umount", &[self.path()])?;
        self.is_mounted = false;
        self.attach()
    }

    fn attach(&mut self) -> io::Result<()> {
        let (image, path) = (self.image(), self.path());
        run(
            "mount",
            &[
                OsStr::new("-o"),
                OsStr::new("loop,noatime"),
                image.as_ref(),
                path.as_ref(),
            ],
        )?;
        self.is_mounted = true;
        Ok(())
    }

    fn image(&self) -> PathBuf {
        self.scratch.path().join("image")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted && run("umount", &[self.path()]).is_err() {
            // Lazily: whoever still has a file open there ends soon, and the device is freed then.
            let lazily = run("umount", &[OsStr::new("--lazy"), self.path().as_ref()]);
            assert!(std::thread::panicking() || lazily.is_ok(), "{lazily:?}");
        }
    }
}

/// Paths of temporary directories are text.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
