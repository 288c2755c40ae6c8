//! Does what a schedule says, and writes it down.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use semel_load::{
    record::{NodeState, Recorder},
    workload::Workload,
};
use tokio::{task::JoinSet, time::timeout};

use super::run::NODE;
use crate::{
    Dice,
    faults::{Fault, Kind, Stage, until},
    schedule::Step,
};

/// Time in which somebody must be acknowledged again after a start.
const RECOVERY_MAX: Duration = Duration::from_mins(1);

/// Does what the schedule says.
pub(super) struct Actor<'a> {
    pub(super) stage: &'a mut Stage,
    pub(super) recorder: &'a Recorder,
    pub(super) workload: &'a Arc<Workload>,
    pub(super) dice: Dice,
    pub(super) crashes: JoinSet<()>,
    /// Faults that have begun and are not healed.
    pub(super) open: usize,
}

impl Actor<'_> {
    pub(super) async fn step(
        &mut self,
        step: Step,
        fault: &Fault,
        counts: &mut BTreeMap<Kind, u64>,
    ) -> io::Result<()> {
        let kind = fault.kind();
        if step.begins {
            *counts.entry(kind).or_default() += 1;
            self.open += 1;
            self.recorder.fault(kind.number(), kind.name());
            self.stage.begin(fault).await?;
            match fault {
                Fault::Kill | Fault::PowerCut => self.recorder.node(NODE, NodeState::Killed),
                Fault::Restart => self.recorder.node(NODE, NodeState::Stopped),
                Fault::ClientCrash { clients } => self.crash(*clients),
                _ => {}
            }
            return Ok(());
        }
        self.stage.heal(fault).await?;
        self.open -= 1;
        self.recorder.heal(kind.number());
        if kind.ends_server() {
            self.recorder.node(NODE, NodeState::Started);
            // Under other faults nobody may be acknowledged, however well the server is.
            if self.open == 0 {
                let before = self.workload.acknowledged();
                let goes_on = async || self.workload.acknowledged() > before;
                until("somebody is acknowledged again", RECOVERY_MAX, goes_on).await?;
            }
        }
        Ok(())
    }

    /// Beside everything else: a client may wait for a server that is not there.
    fn crash(&mut self, clients: usize) {
        for _ in 0..clients {
            let (workload, number) = (Arc::clone(self.workload), self.dice.next() as usize);
            self.crashes.spawn(async move {
                // One that cannot even crash is told of when the run does not come to rest.
                let _ = timeout(RECOVERY_MAX, workload.crash_client(number)).await;
            });
        }
    }
}
