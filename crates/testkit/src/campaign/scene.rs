//! Where a campaign happens: one server, or several with what they share.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use semel_client::Address;
use semel_load::record::{DoctorCheck, NodeState, Recorder};
use tokio::{task::block_in_place, time::Instant};

use super::Run;
use crate::{
    Semel,
    faults::{Ensemble, Fault, Kind, Needs, Outage, Stage, StageError},
};

/// The one server, and the first of several, in histories.
const NODE: u8 = 0;
/// The database of several servers.
const DATABASE: &str = "semel";

pub(super) enum Scene {
    One(Box<Stage>),
    Several(Box<Ensemble>),
}

impl Scene {
    pub(super) async fn set(run: &Run, scratch: &Path) -> Result<Self, StageError> {
        let campaign = run.campaign;
        if campaign.has_several_servers() {
            let seed = campaign.has_proxy().then_some(run.seed);
            let ensemble = Ensemble::set(scratch, campaign.has_standby(), seed);
            return Ok(Self::Several(Box::new(Box::pin(ensemble).await?)));
        }
        let needs = Needs {
            binary: run.binary.clone(),
            scratch: scratch.to_owned(),
            seed: run.seed,
            disk_mebibytes: campaign.disk_mebibytes(),
            has_clock: campaign.has_clock(),
            has_proxy: campaign.has_proxy(),
            is_lying: run.is_lying,
        };
        Ok(Self::One(Box::new(Stage::set(&needs).await?)))
    }

    /// Where clients connect.
    pub(super) fn fronts(&self) -> Vec<Address> {
        match self {
            Self::One(stage) => vec![stage.address().clone()],
            Self::Several(ensemble) => ensemble.addresses(),
        }
    }

    /// The servers themselves.
    pub(super) fn servers(&self) -> Vec<Address> {
        match self {
            Self::One(stage) => vec![stage.server().address.clone()],
            Self::Several(ensemble) => ensemble.cluster().addresses(),
        }
    }

    pub(super) async fn begin(&mut self, fault: &Fault, recorder: &Recorder) -> io::Result<()> {
        match self {
            Self::One(stage) => stage.begin(fault).await?,
            Self::Several(ensemble) => ensemble.begin(fault)?,
        }
        if let Some((node, state)) = end_of_server(fault) {
            recorder.node(node, state);
        }
        Ok(())
    }

    pub(super) async fn heal(&mut self, fault: &Fault, recorder: &Recorder) -> io::Result<()> {
        match self {
            Self::One(stage) => {
                stage.heal(fault).await?;
                if fault.kind().ends_server() {
                    recorder.node(NODE, NodeState::Started);
                }
            }
            Self::Several(ensemble) => {
                for number in ensemble.heal(fault).await? {
                    recorder.node(number as u8, NodeState::Started);
                }
            }
        }
        Ok(())
    }

    /// When a standby took the place of the database, of those failovers that are not healed.
    pub(super) fn promoted_at(&self) -> Option<Instant> {
        match self {
            Self::One(_) => None,
            Self::Several(ensemble) => ensemble.promoted_at(),
        }
    }

    /// Returns when no request waits to be repeated any more.
    pub(super) async fn settle(&self) {
        match self {
            Self::One(stage) => {
                if let Some(proxy) = stage.proxy() {
                    proxy.settle().await;
                }
            }
            Self::Several(ensemble) => {
                for proxy in ensemble.proxies() {
                    proxy.settle().await;
                }
            }
        }
    }

    /// The servers stop, and the doctor looks at their database.
    pub(super) fn examine(&mut self, binary: &Path, recorder: &Recorder) -> Result<(), String> {
        let told = |error: io::Error| error.to_string();
        let mut doctor = Command::new(binary);
        doctor.arg("doctor").env_remove("SEMEL_BINARY");
        match self {
            Self::One(stage) => {
                stop(NODE, stage.server_mut(), recorder)?;
                doctor.arg("--data-dir").arg(stage.data_dir());
            }
            Self::Several(ensemble) => {
                let cluster = ensemble.cluster_mut();
                for (number, server) in cluster.servers.iter_mut().enumerate() {
                    stop(number as u8, server, recorder)?;
                }
                doctor.env("DATABASE_URL", cluster.postgres.url(DATABASE));
            }
        }
        let found = lines(doctor).map_err(told)?;
        for check in DoctorCheck::ALL {
            let named = |line: &&String| doctor_check(line) == check;
            recorder.doctor(NODE, check, found.iter().filter(named).count() as u64);
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(format!("the doctor found:\n{}", found.join("\n")))
    }

    /// Files that tell what happened, and directories whose own files do.
    pub(super) fn traces(&self, scratch: &Path) -> Vec<PathBuf> {
        let own = scratch.join("history");
        match self {
            Self::One(stage) => vec![own, scratch.join("server.log"), stage.data_dir().to_owned()],
            Self::Several(ensemble) => vec![own, ensemble.directory().to_owned()],
        }
    }
}

/// Which server ends by a fault, and how.
fn end_of_server(fault: &Fault) -> Option<(u8, NodeState)> {
    let node = match fault {
        Fault::Outage(Outage::Server { number, .. }) => *number as u8,
        _ => NODE,
    };
    let state = match fault.kind() {
        Kind::Kill | Kind::PowerCut => NodeState::Killed,
        Kind::Restart => NodeState::Stopped,
        _ => return None,
    };
    Some((node, state))
}

fn stop(node: u8, server: &mut Semel, recorder: &Recorder) -> Result<(), String> {
    let stopped = block_in_place(|| server.stop());
    let status = stopped.map_err(|error| error.to_string())?;
    recorder.node(node, NodeState::Stopped);
    if status.success() {
        Ok(())
    } else {
        Err(format!("server {node} stopped with {status}"))
    }
}

/// What `semel doctor` finds, line by line.
fn lines(mut doctor: Command) -> io::Result<Vec<String>> {
    let output = doctor.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => Ok(vec![]),
        Some(1) => Ok(text.lines().map(str::to_owned).collect()),
        _ => Err(io::Error::other(format!("{output:?}"))),
    }
}

/// Under which of the checks of a history a line of the doctor falls.
fn doctor_check(line: &str) -> DoctorCheck {
    match line.split(':').next() {
        Some("foreign keys") => DoctorCheck::ForeignKeys,
        Some("log") => DoctorCheck::Counters,
        Some("stored answers") => DoctorCheck::Idempotency,
        _ => DoctorCheck::Integrity,
    }
}
