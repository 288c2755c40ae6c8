//! People who do everything beside the test, judged at the end.

use std::sync::Arc;

use semel_check::{Options, Verdict, history::Header};
use semel_client::Address;
use semel_load::{
    finale,
    record::Recorder,
    workload::{Plan, Workload},
};
use semel_testkit::{random, token};
use tempfile::TempDir;

use super::{PATIENCE, until};

/// A running load.
pub(crate) struct Crowd {
    workload: Workload,
    recorder: Recorder,
    address: Address,
    directory: TempDir,
}

impl Crowd {
    pub(crate) async fn gather(address: &Address) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(&directory.path().join("history"), Header::default());
        let recorder = recorder.unwrap();
        let plan = Plan::tiny(random() as u64);
        let sign = Arc::new(|user: &semel_protocol::UserId| token(user.as_str()));
        let workload = Workload::start(plan, vec![address.clone()], sign, recorder.clone());
        Self {
            workload: workload.await.unwrap(),
            recorder,
            address: address.clone(),
            directory,
        }
    }

    /// It goes on, comes to rest, and no promise was broken.
    pub(crate) async fn disperse(self) {
        let before = self.workload.acknowledged();
        let goes_on = async || self.workload.acknowledged() > before;
        until("somebody is acknowledged again", goes_on).await;
        let rest = self.workload.quiesce(PATIENCE * 2).await.unwrap();
        finale::read(&rest, &[self.address], &self.recorder)
            .await
            .unwrap();
        drop(rest);
        let history = self.recorder.finish().unwrap();
        let report = finale::judge(&history, Options::parse("acknowledged,converged").unwrap());
        let report = report.unwrap();
        assert_eq!(report.verdict(), Verdict::Passed, "{report}");
        drop(self.directory);
    }
}
