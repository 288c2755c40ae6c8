//! One run of a campaign: a server, people who use it, faults by the schedule, rest, the final reading, the judgement.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use semel_check::{Action, Checker, DUPLICATE, Kind as EventKind, Sometimes, Verdict, history};
use semel_load::{
    Sign, finale,
    record::{NodeState, Recorder},
    workload::{Plan, Workload},
};
use tempfile::TempDir;
use tokio::{
    task::{JoinSet, block_in_place},
    time::{Instant, sleep_until, timeout},
};

use super::{Campaign, Figures, actor::Actor, scene::Scene, stopwatch::Stopwatch};
use crate::{
    Dice,
    faults::{Kind, StageError, Strace},
    schedule::Schedule,
    token,
};

/// Time in which everything must come to rest after the last fault.
const REST_MAX: Duration = Duration::from_mins(3);

/// What a run may take beside its schedule: beginnings, waiting, resting, reading.
const EXTRA_MAX: Duration = Duration::from_mins(15);
/// Faults last longer than planned where the machine is slow.
const STRETCH_MAX: u32 = 10;

/// What is run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Of which campaign.
    pub campaign: Campaign,
    /// Of all choices.
    pub seed: u64,
    /// Of the schedule; waiting and reading come on top.
    pub duration: Duration,
    /// Who writes.
    pub plan: Plan,
    /// The program.
    pub binary: PathBuf,
    /// Where data, history and disks lie meanwhile.
    pub scratch: PathBuf,
    /// Where they are kept if the run does not pass.
    pub keep: PathBuf,
    /// How to run it again.
    pub command: String,
    /// Of the program.
    pub commit: String,
    /// The disk lies (see [`Needs::is_lying`]): the run must fail.
    pub is_lying: bool,
    /// How many times as long as promised what is measured may take: more than once where other programs have the machine.
    pub bounds: u32,
    /// What has not come to its end by then, judging not counted, hangs: the run has failed (see [`Run::limit_of`]).
    pub limit: Duration,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What it does.
    pub phase: &'a str,
    /// Part of the schedule that is over, in thousandths.
    pub per_mille: u64,
    /// Sends that were acknowledged.
    pub acknowledged: u64,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Faults that began, by kind.
    pub faults: BTreeMap<Kind, u64>,
    /// Sends that were acknowledged, repeats not counted.
    pub acknowledged: u64,
    /// Other calls that were answered with success.
    pub other_calls: u64,
    /// Events of the history.
    pub events: u64,
    /// Violations of invariants that the checker found, and one if the run did not come to rest.
    pub violations: u64,
    /// Nothing was violated, and nothing shown either: the run counts for nothing.
    pub is_invalid: bool,
    /// What was measured.
    pub figures: Figures,
    /// How long it took.
    pub elapsed: Duration,
    /// Why it did not pass; none if it did.
    pub failure: Option<String>,
    /// Where everything was kept, if it did not pass.
    pub kept: Option<PathBuf>,
}

impl Run {
    /// The longest time that a run of such a schedule takes when nothing hangs.
    pub fn limit_of(duration: Duration) -> Duration {
        duration * STRETCH_MAX + EXTRA_MAX
    }

    /// Its schedule: everything that happens by seed and options.
    pub fn schedule(&self) -> Schedule {
        Schedule::from_seed(self.seed, &self.campaign.mix(), self.duration)
    }

    /// Runs it. An error means that the harness could not do its work; a server that does not do its own is a failure.
    pub async fn run(&self, tell: &(dyn Fn(Progress<'_>) + Sync)) -> Result<Outcome, StageError> {
        let began = Instant::now();
        if self.campaign.has_strace() || self.is_lying {
            Strace::look()?;
        }
        let scratch = tempfile::tempdir_in(&self.scratch)?;
        let mut scene = Scene::set(self, scratch.path()).await?;
        let schedule = self.schedule();
        let path = scratch.path().join("history");
        let recorder = Recorder::start(&path, self.header(&schedule))?;
        for node in 0..scene.servers().len() {
            recorder.node(node as u8, NodeState::Started);
        }
        let mut outcome = Outcome::default();
        let acting = self.act(&mut scene, &schedule, &recorder, &mut outcome, tell);
        let acted = timeout(self.limit, acting)
            .await
            .unwrap_or_else(|_| Err(format!("is not over after {:?}", self.limit)));
        tell(Progress {
            phase: "judging",
            per_mille: 1_000,
            acknowledged: outcome.acknowledged,
        });
        let failure = match acted {
            Ok(()) => scene.examine(&self.binary, &recorder).err(),
            Err(error) => Some(error),
        };
        recorder.finish().map_err(io::Error::other)?;
        let judged = block_in_place(|| self.judge(&path, &mut outcome));
        outcome.failure = match (judged.map_err(io::Error::other)?, failure) {
            (None, None) => None,
            (Some(judgement), None) => {
                outcome.is_invalid = outcome.violations == 0;
                Some(judgement)
            }
            (judgement, Some(failure)) => {
                outcome.violations = outcome.violations.max(1);
                Some(format!("{failure}\n{}", judgement.unwrap_or_default()))
            }
        };
        if let Some(failure) = &outcome.failure {
            outcome.kept = Some(self.keep(&scene, &scratch, &schedule, failure)?);
        }
        outcome.elapsed = began.elapsed();
        Ok(outcome)
    }

    fn plan(&self) -> Plan {
        self.campaign.plan(self.plan.clone())
    }

    fn header(&self, schedule: &Schedule) -> history::Header {
        let expected = self.campaign.expected().expect;
        let expected: Vec<&str> = expected.into_iter().map(Sometimes::name).collect();
        let options = [
            ("campaign", self.campaign.to_string()),
            ("duration", format!("{:?}", self.duration)),
            ("plan", format!("{:?}", self.plan())),
            ("schedule", schedule.to_string()),
            ("expect", expected.join(",")),
        ];
        history::Header {
            seed: self.seed,
            commit: self.commit.clone(),
            command: self.command.clone(),
            options: options.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    /// Up to the final reading. An error is what the server did not do.
    async fn act(
        &self,
        scene: &mut Scene,
        schedule: &Schedule,
        recorder: &Recorder,
        outcome: &mut Outcome,
        tell: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<(), String> {
        let sign: Sign = Arc::new(|user| token(user.as_str()));
        let stopwatch = self
            .stopwatch(scene)
            .await
            .map_err(|error| error.to_string())?;
        let workload = Workload::start(self.plan(), scene.fronts(), sign, recorder.clone());
        let workload = Arc::new(workload.await.map_err(|error| error.to_string())?);
        let mut actor = Actor {
            scene,
            recorder,
            workload: &workload,
            dice: Dice::fork(self.seed, 1),
            crashes: JoinSet::new(),
            open: 0,
            stopwatch,
            figures: Figures::default(),
        };
        let mut start = Instant::now();
        for step in schedule.steps() {
            // What comes later than planned moves what comes after it, so that pauses keep their lengths.
            start = start.max(Instant::now() - step.at);
            sleep_until(start + step.at).await;
            let planned = &schedule.planned[step.index];
            let done = actor.step(step, &planned.fault, &mut outcome.faults).await;
            done.map_err(|error| format!("{}, {error}", planned.fault))?;
            outcome.acknowledged = workload.acknowledged();
            outcome.figures = actor.figures.clone();
            tell(Progress {
                phase: planned.fault.kind().name(),
                per_mille: per_mille(step.at, self.duration),
                acknowledged: outcome.acknowledged,
            });
        }
        sleep_until(start + self.duration).await;
        while actor.crashes.join_next().await.is_some() {}
        tell(Progress {
            phase: "coming to rest",
            per_mille: 1_000,
            acknowledged: outcome.acknowledged,
        });
        drop(actor.stopwatch);
        actor.scene.settle().await;
        let rest = workload
            .quiesce(REST_MAX)
            .await
            .map_err(|stuck| stuck.to_string());
        outcome.acknowledged = workload.acknowledged();
        let rest = rest?;
        tell(Progress {
            phase: "reading",
            per_mille: 1_000,
            acknowledged: outcome.acknowledged,
        });
        finale::read(&rest, &scene.servers(), recorder)
            .await
            .map_err(|error| chain(&error))?;
        match &outcome.figures.excess(self.bounds)[..] {
            [] => Ok(()),
            beyond => Err(beyond.join("; ")),
        }
    }

    /// Something to measure with, where there is something to measure.
    async fn stopwatch(&self, scene: &Scene) -> io::Result<Option<Stopwatch>> {
        if self.campaign.figures().is_empty() {
            return Ok(None);
        }
        Stopwatch::start(scene.servers()).await.map(Some)
    }

    /// Why it does not pass, if it does not.
    fn judge(
        &self,
        path: &Path,
        outcome: &mut Outcome,
    ) -> Result<Option<String>, history::HistoryError> {
        let mut checker = Checker::new(self.campaign.expected());
        for event in history::Reader::open(path)? {
            let event = event?;
            let is_repeat = event.code == DUPLICATE;
            if event.kind == EventKind::Ok && (event.action != Action::Send || is_repeat) {
                outcome.other_calls += 1;
            }
            checker.push(event);
        }
        let report = checker.finish();
        outcome.events = report.events;
        outcome.violations = report.counts.values().sum();
        if report.verdict() == Verdict::Passed {
            let wanted = self.campaign.figures().iter();
            let unmeasured = wanted.filter(|figure| outcome.figures.get(**figure).count == 0);
            let unmeasured: Vec<&str> = unmeasured.map(|figure| figure.name()).collect();
            let is_complete = unmeasured.is_empty();
            return Ok((!is_complete).then(|| format!("never measured: {}", unmeasured.join(", "))));
        }
        // Once more, for the time lines.
        Ok(Some(
            finale::judge(path, self.campaign.expected())?.to_string(),
        ))
    }

    /// Copies everything to where it stays.
    fn keep(
        &self,
        scene: &Scene,
        scratch: &TempDir,
        schedule: &Schedule,
        failure: &str,
    ) -> io::Result<PathBuf> {
        let kept = self.keep.join(format!("{}-{}", self.campaign, self.seed));
        if kept.exists() {
            fs::remove_dir_all(&kept)?;
        }
        fs::create_dir_all(&kept)?;
        fs::write(
            kept.join("failure.txt"),
            format!("{failure}\n{}\n", self.command),
        )?;
        fs::write(kept.join("schedule.txt"), schedule.to_string())?;
        for trace in scene.traces(scratch.path()) {
            let name = trace.file_name().unwrap_or_default();
            if !trace.is_dir() {
                fs::copy(&trace, kept.join(name))?;
                continue;
            }
            let to = kept.join(name);
            fs::create_dir(&to)?;
            for file in fs::read_dir(&trace)? {
                let file = file?;
                if file.file_type()?.is_file() {
                    fs::copy(file.path(), to.join(file.file_name()))?;
                }
            }
        }
        Ok(kept)
    }
}

fn per_mille(part: Duration, whole: Duration) -> u64 {
    (part.as_millis() * 1_000 / whole.as_millis().max(1)) as u64
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
