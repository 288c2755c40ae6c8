//! A task that writes: the lane over a session of its own.

use std::time::Duration;

use semel_core::ports::LedgerError;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use super::transaction::Writer;
use crate::{
    Error,
    lane::{Job, Lane, Setup, Store, TICK, gather},
};

/// How often an idle lane renews its lease: several times in its life.
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// The task, with the lane in it.
pub(super) struct LaneTask {
    lane: Lane<Writer>,
    jobs: mpsc::Receiver<Job>,
    stop: watch::Receiver<bool>,
    renewed: Instant,
}

enum Next {
    Job(Box<Job>),
    Idle,
    Close,
}

impl LaneTask {
    /// Connects, so that a server does not start without its database.
    pub(super) async fn open(
        setup: Setup,
        mut writer: Writer,
        jobs: mpsc::Receiver<Job>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, Error> {
        writer.start().await?;
        Ok(Self {
            lane: Lane::new(setup, writer),
            jobs,
            stop,
            renewed: Instant::now(),
        })
    }

    pub(super) async fn run(mut self) {
        loop {
            match self.next().await {
                Next::Job(job) => {
                    let jobs = gather(*job, || self.jobs.try_recv().ok());
                    self.lane.serve(jobs).await;
                    self.renewed = Instant::now();
                }
                Next::Idle => self.look_after().await,
                Next::Close => return self.finish().await,
            }
        }
    }

    async fn next(&mut self) -> Next {
        if *self.stop.borrow() {
            return Next::Close;
        }
        tokio::select! {
            job = self.jobs.recv() => job.map_or(Next::Close, |job| Next::Job(Box::new(job))),
            _ = self.stop.changed() => Next::Close,
            () = sleep(TICK) => Next::Idle,
        }
    }

    async fn look_after(&mut self) {
        if self.lane.store().is_cut_off() {
            self.lane.lose(&Error::Lost("the connection ended"));
        }
        self.lane.look_after().await;
        if self.renewed.elapsed() < RENEW_EVERY {
            return;
        }
        self.renewed = Instant::now();
        if let Err(error) = self.lane.store().renew().await {
            if error.is_broken_connection() {
                self.lane.lose(&error);
            } else {
                tracing::warn!(error = error.chain(), "failed to renew a lease");
            }
        }
    }

    /// No more commands; those that wait are served.
    async fn finish(mut self) {
        self.jobs.close();
        while let Some(job) = self.jobs.recv().await {
            let jobs = gather(job, || self.jobs.try_recv().ok());
            if self.lane.store().is_open() {
                self.lane.serve(jobs).await;
            } else {
                self.lane.refuse(jobs, &LedgerError::Closing);
            }
        }
        self.lane.store().release().await;
    }
}
