//! Does what a schedule says, and writes it down.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use semel_load::{record::Recorder, workload::Workload};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Figure, Figures, scene::Scene, stopwatch::Stopwatch};
use crate::{
    Dice,
    faults::{Fault, Kind, until},
    schedule::Step,
};

/// Time in which somebody must be acknowledged again after a start.
const RECOVERY_MAX: Duration = Duration::from_mins(1);

/// Does what the schedule says.
pub(super) struct Actor<'a> {
    pub(super) scene: &'a mut Scene,
    pub(super) recorder: &'a Recorder,
    pub(super) workload: &'a Arc<Workload>,
    pub(super) dice: Dice,
    pub(super) crashes: JoinSet<()>,
    /// Faults that have begun and are not healed.
    pub(super) open: usize,
    /// With several servers.
    pub(super) stopwatch: Option<Stopwatch>,
    pub(super) figures: Figures,
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
            self.look_at_usual(fault).await?;
            self.open += 1;
            self.recorder.fault(kind.number(), kind.name());
            self.scene.begin(fault, self.recorder).await?;
            if let Fault::ClientCrash { clients } = fault {
                self.crash(*clients);
            }
            return self.measure_promotion().await;
        }
        self.scene.heal(fault, self.recorder).await?;
        let healed = Instant::now();
        self.open -= 1;
        self.recorder.heal(kind.number());
        // Under other faults nobody may be acknowledged, however well the server is.
        if self.open > 0 {
            return Ok(());
        }
        if kind.ends_server() || matches!(fault, Fault::Outage(_)) {
            let before = self.workload.acknowledged();
            let goes_on = async || self.workload.acknowledged() > before;
            until("somebody is acknowledged again", RECOVERY_MAX, goes_on).await?;
        }
        if let Fault::Outage(outage) = fault
            && outage.is_of_redis()
            && let Some(stopwatch) = &mut self.stopwatch
        {
            let took = stopwatch.delivery_back(healed).await?;
            self.figures.measured(Figure::DeliveryAfterRedis, took);
        }
        Ok(())
    }

    /// What is usual under this load, before Redis is in trouble and while nothing else is.
    async fn look_at_usual(&mut self, fault: &Fault) -> io::Result<()> {
        if self.open == 0
            && let Fault::Outage(outage) = fault
            && outage.is_of_redis()
            && let Some(stopwatch) = &mut self.stopwatch
        {
            stopwatch.look_at_usual().await?;
        }
        Ok(())
    }

    /// How long it takes until everybody writes again, if nothing else is wrong.
    async fn measure_promotion(&mut self) -> io::Result<()> {
        if self.open == 1
            && let Some(since) = self.scene.promoted_at()
            && let Some(stopwatch) = &mut self.stopwatch
        {
            let took = stopwatch.writes_back(since).await?;
            self.figures.measured(Figure::WritesAfterPromotion, took);
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
