//! The end of a recorded run, as the finale reads it.

use std::sync::Arc;

use semel_client::Api;

use super::{LoadError, Run, Target};
use crate::{
    finale,
    record::Recorder,
    workload::{Rest, RestThread},
};

impl Run {
    /// Writes down the state at the end. The recording can be finished and judged after that.
    pub async fn record_end(&self, target: &Target, recorder: &Recorder) -> Result<(), LoadError> {
        let mut threads = Vec::with_capacity(self.threads.len());
        for made in &self.threads {
            let api = Api::new(target.addresses[0].clone(), &(target.sign)(&made.people[0]));
            let thread = api.thread(made.thread_id).await;
            let thread = thread.map_err(LoadError::Api)?.data.thread;
            threads.push(RestThread {
                thread: thread.id,
                epoch: thread.epoch,
                last_rev: thread.last_rev,
                members: made.people.clone(),
                present: made.people.iter().cloned().collect(),
                is_fixed: true,
            });
        }
        let rest = Rest {
            threads,
            devices: self.records.clone(),
            sign: Arc::clone(&target.sign),
        };
        finale::read(&rest, &target.addresses, recorder)
            .await
            .map_err(LoadError::Finale)
    }
}
