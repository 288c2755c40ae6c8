//! A server with everything around it that a fault needs.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use semel_client::Address;
use tokio::{
    task::{AbortHandle, block_in_place},
    time::{MissedTickBehavior, interval},
};

use super::{Clock, Disk, Fault, Missing, SYNCS, Strace, Whom, until};
use crate::{
    Launch, Semel,
    proxy::{Ending, Proxy, Rules},
};

/// Answers to idempotency keys are kept for longer than any clock here jumps: within that time the promises hold.
const IDEMPOTENCY_HOURS: &str = "2000";
/// Time in which a server that was told to stand still must do so.
const STAND_MAX: Duration = Duration::from_secs(10);
/// How often a drifting clock is set back.
const DRIFT_STEP: Duration = Duration::from_secs(1);

/// What must be there for the faults that are planned.
#[derive(Clone, Debug)]
pub struct Needs {
    /// The program.
    pub binary: PathBuf,
    /// A directory that is there as long as the stage. Data and log are put below it.
    pub scratch: PathBuf,
    /// Seed of the proxy.
    pub seed: u64,
    /// MiB of a disk of its own, for disks that are full or lose power. 0: data lies in `scratch`.
    pub disk_mebibytes: u64,
    /// A clock that can be set.
    pub has_clock: bool,
    /// A proxy between clients and server.
    pub has_proxy: bool,
    /// A disk that says that bytes were forced onto it when they were not: what it acknowledged is lost in a power cut.
    /// Shows that a campaign notices.
    pub is_lying: bool,
}

/// A running server, and what can happen to it. Dropping it ends the server and takes everything away.
#[derive(Debug)]
pub struct Stage {
    strace: Option<Strace>,
    is_lying: bool,
    lie: Option<Strace>,
    drift: Option<AbortHandle>,
    proxy: Option<Proxy>,
    clock: Option<Clock>,
    server: Semel,
    // After the server, which has files open there.
    disk: Option<Disk>,
}

/// Why there is no stage.
#[derive(Debug)]
pub enum StageError {
    /// This machine does not have what it takes.
    Missing(Missing),
    /// Something failed.
    Io(io::Error),
}

impl From<Missing> for StageError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<io::Error> for StageError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Stage {
    /// Starts a server with what is needed around it. Runtimes of several threads only.
    pub async fn set(needs: &Needs) -> Result<Self, StageError> {
        let scratch = &needs.scratch;
        let disk = match needs.disk_mebibytes {
            0 => None,
            mebibytes => Some(Disk::mount(scratch, mebibytes)?),
        };
        let clock = needs.has_clock.then(|| Clock::right(scratch)).transpose()?;
        let mut environment = clock.as_ref().map_or_else(Vec::new, Clock::environment);
        environment.push(("SEMEL_IDEMPOTENCY_HOURS".into(), IDEMPOTENCY_HOURS.into()));
        let home = disk.as_ref().map_or_else(|| scratch.clone(), Disk::path);
        let launch = Launch {
            environment,
            log: Some(scratch.join("server.log")),
            listen: None,
        };
        let server =
            block_in_place(|| Semel::start_with(&needs.binary, &home.join("data"), launch))?;
        let proxy = if needs.has_proxy {
            Some(Proxy::start(&server.address, needs.seed).await?)
        } else {
            None
        };
        let mut stage = Self {
            strace: None,
            is_lying: needs.is_lying,
            lie: None,
            drift: None,
            proxy,
            clock,
            server,
            disk,
        };
        stage.lie().await?;
        Ok(stage)
    }

    /// Where clients connect.
    pub fn address(&self) -> &Address {
        self.proxy
            .as_ref()
            .map_or(&self.server.address, |proxy| &proxy.address)
    }

    /// The server itself.
    pub fn server(&self) -> &Semel {
        &self.server
    }

    /// The same, for what is no fault of the catalogue.
    pub fn server_mut(&mut self) -> &mut Semel {
        &mut self.server
    }

    /// The proxy, if there is one.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Where its data are.
    pub fn data_dir(&self) -> &Path {
        self.server.data_dir()
    }

    /// Something goes wrong.
    pub async fn begin(&mut self, fault: &Fault) -> io::Result<()> {
        match fault {
            Fault::Kill => block_in_place(|| self.server.kill()),
            Fault::Restart => block_in_place(|| self.server.stop()).map(drop),
            Fault::Pause => self.server.signal(Signal::STOP),
            Fault::PowerCut => {
                let disk = self.disk.as_mut().ok_or_else(|| lacks("a disk"))?;
                // At one moment: a sync that is under way may be told that it succeeded after the disk was cut off, and
                // nobody must hear of that.
                self.server.signal(Signal::STOP)?;
                let stands = async || self.server.is_standing();
                until("the server stands still", STAND_MAX, stands).await?;
                block_in_place(|| {
                    disk.cut_power()?;
                    self.server.kill()?;
                    disk.power_on()
                })
            }
            Fault::FullDisk => {
                let disk = self.disk.as_ref().ok_or_else(|| lacks("a disk"))?;
                block_in_place(|| disk.fill())
            }
            Fault::SyncErrors { every } => self.trace(&format!("error=EIO:when=1+{every}")).await,
            Fault::SlowSyncs { delay } => {
                self.trace(&format!("delay_exit={}", delay.as_micros()))
                    .await
            }
            Fault::ClockJump { seconds } => self.clock()?.set(*seconds),
            Fault::ClockDrift { seconds_back } => self.drift(i64::from(*seconds_back)),
            Fault::Network(_, rules) => {
                self.proxied()?.set(Rules::clone(rules));
                Ok(())
            }
            Fault::HalfOpen => {
                self.proxied()?.abandon_all();
                Ok(())
            }
            Fault::Disconnect => {
                self.proxied()?.close_all(Ending::Reset);
                Ok(())
            }
            // Clients are not on the stage.
            Fault::ClientCrash { .. } => Ok(()),
            Fault::Outage(outage) => Err(lacks(&format!("several servers: {outage}"))),
        }
    }

    /// It is put right.
    pub async fn heal(&mut self, fault: &Fault) -> io::Result<()> {
        match fault {
            Fault::Kill | Fault::Restart | Fault::PowerCut => {
                self.forget_clock();
                block_in_place(|| {
                    self.lie = None;
                    self.server.restart()
                })?;
                self.lie().await?;
            }
            Fault::Pause => self.server.signal(Signal::CONT)?,
            Fault::FullDisk => self
                .disk
                .as_ref()
                .ok_or_else(|| lacks("a disk"))?
                .relieve()?,
            Fault::SyncErrors { .. } | Fault::SlowSyncs { .. } => {
                block_in_place(|| self.strace = None);
            }
            Fault::ClockJump { .. } | Fault::ClockDrift { .. } => {
                if let Some(drift) = self.drift.take() {
                    drift.abort();
                }
                self.clock()?.set(0)?;
            }
            Fault::Network(..) => self.proxied()?.set(Rules::default()),
            Fault::HalfOpen => self.proxied()?.close_all(Ending::Reset),
            Fault::Disconnect | Fault::ClientCrash { .. } | Fault::Outage(_) => {}
        }
        Ok(())
    }

    fn forget_clock(&self) {
        if self.clock.is_some() {
            Clock::forget(self.server.pid());
        }
    }

    async fn trace(&mut self, how: &str) -> io::Result<()> {
        self.strace = Some(Strace::attach(&self.server, Whom::Lane, SYNCS, how).await?);
        Ok(())
    }

    async fn lie(&mut self) -> io::Result<()> {
        if self.is_lying {
            let lie = Strace::attach(&self.server, Whom::Lane, SYNCS, "retval=0").await?;
            self.lie = Some(lie);
        }
        Ok(())
    }

    fn drift(&mut self, seconds_back: i64) -> io::Result<()> {
        let clock = self.clock()?.clone();
        let drift = tokio::spawn(async move {
            let mut steps = interval(DRIFT_STEP);
            steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                steps.tick().await;
                if clock.set(clock.offset() - seconds_back - 1).is_err() {
                    return;
                }
            }
        });
        self.drift = Some(drift.abort_handle());
        Ok(())
    }

    fn clock(&self) -> io::Result<&Clock> {
        self.clock.as_ref().ok_or_else(|| lacks("a clock"))
    }

    fn proxied(&self) -> io::Result<&Proxy> {
        self.proxy.as_ref().ok_or_else(|| lacks("a proxy"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.strace = None;
        self.lie = None;
        if let Some(drift) = self.drift.take() {
            drift.abort();
        }
        // It may be dead already.
        let _ = self.server.kill();
        self.forget_clock();
    }
}

fn lacks(what: &str) -> io::Error {
    io::Error::other(format!("the stage was set without {what}"))
}
