//! The end of a recorded run: what is in the logs, as the first and the last person of each thread read it, and how far
//! devices came.

use semel_client::Api;
use semel_protocol::{Rev, ThreadId, UserId, limits};

use super::{LoadError, Run, Target};
use crate::record::Recorder;

impl Run {
    /// Writes down the state at the end. The recording can be finished and judged after that.
    pub async fn record_end(&self, target: &Target, recorder: &Recorder) -> Result<(), LoadError> {
        for made in &self.threads {
            let [first, .., last] = &made.people[..] else {
                continue;
            };
            for reader in [first, last] {
                read(target, recorder, made.thread_id, reader).await?;
            }
            let api = api(target, first);
            let thread = api
                .thread(made.thread_id)
                .await
                .map_err(LoadError::Api)?
                .data
                .thread;
            let log = (thread.id, thread.epoch);
            for person in &made.people {
                recorder.joined(person, log, 1, 0);
            }
            for participant in &thread.participants {
                recorder.final_position(&participant.user_id, log, participant.read_seq);
            }
        }
        for record in &self.records {
            for head in record.heads() {
                record.cursor(head.thread);
            }
        }
        Ok(())
    }
}

/// Reads a whole log as one person.
async fn read(
    target: &Target,
    recorder: &Recorder,
    thread_id: ThreadId,
    person: &UserId,
) -> Result<(), LoadError> {
    let api = api(target, person);
    let reader = recorder.finals(&format!("{person} at the end"));
    let mut after: Rev = 0;
    loop {
        let page = api
            .entries(thread_id, after, limits::PAGE_ENTRIES_MAX)
            .await;
        let page = page.map_err(LoadError::Api)?.data;
        if page.too_old {
            return Err(LoadError::TooLong);
        }
        reader.entries(&page.entries);
        after = page.entries.last().map_or(after, |entry| entry.rev);
        if !page.more || page.entries.is_empty() {
            let thread = api
                .thread(thread_id)
                .await
                .map_err(LoadError::Api)?
                .data
                .thread;
            reader.head((thread_id, page.epoch), page.head_rev, thread.last_seq);
            return Ok(());
        }
    }
}

fn api(target: &Target, person: &UserId) -> Api {
    Api::new(target.address.clone(), &(target.sign)(person))
}
