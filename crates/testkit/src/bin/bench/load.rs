//! The scenarios of `semel load`, on a server that is started here.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use semel_load::scenario::{self, OwnServer, Plan, Rate, Scenario, Summary, Tally, Target};
use semel_testkit::{Semel, binary, now, random, token};
use tempfile::TempDir;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A server and its data, until it is dropped.
pub(crate) struct Server {
    process: Mutex<Semel>,
    _directory: TempDir,
}

impl Server {
    pub(crate) fn start() -> Result<Arc<Self>> {
        let directory = tempfile::tempdir()?;
        let process = Mutex::new(Semel::start(binary(), directory.path())?);
        Ok(Arc::new(Self {
            process,
            _directory: directory,
        }))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process().pid()
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Semel> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a scenario. What went wrong is an error: figures beside it would say nothing.
    pub(crate) async fn load(self: &Arc<Self>, plan: &Plan) -> Result<Summary> {
        let target = Target {
            addresses: vec![self.process().address.clone()],
            sign: Arc::new(|user| token(user.as_str())),
            now: Arc::new(now),
            entropy: random(),
            own: Some(Arc::clone(self) as Arc<dyn OwnServer>),
        };
        let tally = Arc::new(Tally::default());
        let summary = scenario::run(&target, plan, &tally, None).await?.summary;
        if summary.errors.is_empty() && summary.failures.is_empty() {
            Ok(summary)
        } else {
            Err(format!("{} went wrong:\n{}", summary.scenario, summary.table()).into())
        }
    }
}

impl OwnServer for Server {
    fn restart(&self) -> io::Result<()> {
        let mut process = self.process();
        process.kill()?;
        process.restart()
    }

    fn resident_bytes(&self) -> io::Result<u64> {
        self.process().resident_bytes()
    }
}

/// A scenario as it is when nobody says more, but for its rate and its connections.
pub(crate) fn plan(scenario: Scenario, rate: Rate, connections: usize, time: Duration) -> Plan {
    Plan {
        rate,
        connections,
        ..Plan::of(scenario, time, 1)
    }
}
