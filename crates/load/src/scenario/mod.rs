//! Load by name: what many people do to a server, paced, timed and summed up.
//!
//! [`Plan`] says what is asked for, [`Target`] which server, [`run`] does it, [`Tally`] shows it while it goes on, and
//! [`Summary`] says what came of it. With a [`Recorder`] everything that devices do and see is written down as well.
//!
//! Invariant: an open loop times every message from the instant at which its schedule says that it is due.
//! Invariant: a run is bounded: by its duration, its connections, and named waits before and after.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures have few digits that mean something"
)]

mod crowds;
mod device;
mod duplicates;
mod idle;
mod judge;
mod mixed;
mod orders;
mod pace;
mod plan;
mod report;
mod stage;
mod storm;
mod tally;
mod target;

use std::{io, sync::Arc};

pub use plan::{
    CONNECTIONS_MAX, DURATION_SECONDS_MAX, FILES_BESIDE, Plan, RATE_PER_SECOND_MAX, Rate, Scenario,
};
use report::Outcome;
pub use report::{Achieved, Asked, Measure, REPORT_VERSION, Summary, Times, shown, thousands};
use semel_client::{ApiError, ConnectError};
use semel_protocol::{ThreadId, UserId};
use stage::Stage;
pub use tally::{Counters, Tally, Timed};
pub use target::{Now, OwnServer, Target};

use crate::{
    finale::FinaleError,
    record::{CallError, Recorder, SessionRecord},
};

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A scenario cannot be what its name says with so few connections.
    #[error("{} needs {min} connections or more", .scenario.name())]
    TooFewConnections {
        /// Which.
        scenario: Scenario,
        /// How many it takes.
        min: usize,
    },
    /// A scenario that has no closed loop.
    #[error("{} is an open loop only: say a number of messages a second", .0.name())]
    OpenOnly(Scenario),
    /// Somebody cannot connect.
    #[error("connect after {0} others were connected")]
    Connect(usize, #[source] ConnectError),
    /// Not everybody came.
    #[error("wait for {0} connections: not all of them were accepted in time")]
    Gather(usize),
    /// A call that the run needs.
    #[error("prepare the run over HTTP")]
    Api(#[source] ApiError),
    /// The same, recorded.
    #[error("prepare the run over HTTP")]
    Call(#[source] CallError),
    /// The end of a recorded run.
    #[error("read what is there at the end")]
    Finale(#[source] FinaleError),
    /// Our own server.
    #[error("handle the server")]
    Server(#[source] io::Error),
    /// A defect of the generator.
    #[error("finish a task of the generator")]
    Task(#[source] tokio::task::JoinError),
}

/// A run that is over.
#[derive(Debug)]
pub struct Run {
    /// What came of it.
    pub summary: Summary,
    /// The threads that it made.
    pub threads: Vec<MadeThread>,
    /// The records of its devices, if it was recorded.
    pub records: Vec<Arc<SessionRecord>>,
}

/// A thread that a run made, whose people stay the same.
#[derive(Clone, Debug)]
pub struct MadeThread {
    /// Which.
    pub thread_id: ThreadId,
    /// Who is in it; the first made it.
    pub people: Vec<UserId>,
}

/// Does what is planned. The tally shows how far it is; give every run a fresh one.
pub async fn run(
    target: &Target,
    plan: &Plan,
    tally: &Arc<Tally>,
    recorder: Option<&Recorder>,
) -> Result<Run, LoadError> {
    let min = plan.connections_min();
    if plan.connections < min {
        let scenario = plan.scenario;
        return Err(LoadError::TooFewConnections { scenario, min });
    }
    if plan.rate == Rate::Max && !plan.may_be_closed() {
        return Err(LoadError::OpenOnly(plan.scenario));
    }
    let mut stage = Stage::new(target, plan, Arc::clone(tally), recorder.cloned());
    let outcome = match plan.scenario {
        Scenario::Pairs => crowds::pairs(&mut stage).await,
        Scenario::Group100 | Scenario::Group1000 => crowds::group(&mut stage).await,
        Scenario::HotThread => crowds::hot_thread(&mut stage).await,
        Scenario::ReconnectStorm => storm::reconnect_storm(&mut stage).await,
        Scenario::DuplicateStorm => duplicates::duplicate_storm(&mut stage).await,
        Scenario::Idle => idle::idle(&mut stage).await,
        Scenario::Mixed => mixed::mixed(&mut stage).await,
    }?;
    tally.enter("summing up");
    Ok(stage.finish(Summary::of(plan, tally, outcome)).await)
}
