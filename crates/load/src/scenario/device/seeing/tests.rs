use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use semel_client::{ApiError, ConnectError, IdMaker, Incoming, Link, TransportError};
use semel_protocol::{
    DeviceId, Timestamp,
    entry::EntryPage,
    message::MessagePage,
    socket::from_server::{ENTRY, HEADS},
};
use serde_json::{json, value::RawValue};
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::scenario::{
    device::{Interest, Shared},
    orders::Orders,
    tally::Tally,
};

const THREAD: ThreadId = ThreadId(Uuid::from_u128(7));
/// Entries that a page of the log has.
const PAGE: u64 = 3;

fn entry(rev: Rev) -> Entry {
    Entry {
        thread_id: THREAD,
        rev,
        epoch: 1,
        chain: None,
        actor_id: None,
        created_at: None,
        body: EntryBody::Hidden,
    }
}

/// A log of so many entries.
struct Log(Rev);

#[async_trait]
impl Network for Log {
    async fn connect(&self, _: &str, _: &DeviceId) -> Result<Box<dyn Link>, ConnectError> {
        unreachable!("it is connected")
    }

    async fn entries_after(
        &self,
        _: &str,
        thread_id: ThreadId,
        after: &Cursor,
    ) -> Result<EntryPage, ApiError> {
        assert_eq!(thread_id, THREAD);
        let last = self.0.min(after.rev + PAGE);
        Ok(EntryPage {
            entries: (after.rev + 1..=last).map(entry).collect(),
            head_rev: self.0,
            epoch: 1,
            more: last < self.0,
            too_old: false,
        })
    }

    async fn newest_messages(&self, _: &str, _: ThreadId) -> Result<MessagePage, ApiError> {
        unreachable!("nobody asks")
    }
}

/// Sends what it has, and then ends.
struct Pushes(VecDeque<Incoming>);

#[async_trait]
impl Link for Pushes {
    async fn feed(&mut self, _: &str, _: &RawValue) -> Result<u64, TransportError> {
        unreachable!("nothing is written")
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn next(&mut self) -> Result<Incoming, TransportError> {
        self.0.pop_front().ok_or(TransportError::Closed)
    }

    async fn close(self: Box<Self>) {}
}

fn pushed(rev: Rev) -> Incoming {
    let payload = serde_json::to_string(&entry(rev)).unwrap();
    Incoming::Event {
        name: ENTRY.to_owned(),
        payload: payload.into(),
    }
}

fn heads(rev: Rev) -> Incoming {
    let payload = json!({ "heads": { THREAD.to_string(): rev } });
    Incoming::Event {
        name: HEADS.to_owned(),
        payload: payload.to_string().into(),
    }
}

/// Entries that came, and how many of them were fetched.
async fn seen(log: Rev, pushes: impl IntoIterator<Item = Incoming>) -> (u64, u64, Arc<Tally>) {
    let tally = Arc::new(Tally::default());
    let shared = Shared {
        tally: Arc::clone(&tally),
        now: Arc::new(|| Timestamp(1)),
        zero: Instant::now(),
    };
    let interest = Interest {
        source: Some(Arc::new(Source {
            network: Box::new(Log(log)),
            token: String::new(),
        })),
        ..Interest::default()
    };
    let link = Box::new(Pushes(pushes.into_iter().collect()));
    let device = Device::new(link, IdMaker::new(1), shared, interest);
    device.run(Orders::None).await;
    let counters = tally.counters();
    (counters.delivered, counters.fetched, tally)
}

#[tokio::test]
async fn what_was_only_named_is_fetched_to_its_end() {
    let (delivered, fetched, tally) = seen(8, [pushed(1), heads(8)]).await;
    assert_eq!((delivered, fetched), (8, 7));
    assert_eq!(tally.errors().len(), 1, "only that the connection ended");
}

#[tokio::test]
async fn what_is_missing_before_an_entry_is_fetched_and_nothing_counts_twice() {
    let pushes = [pushed(1), pushed(4), pushed(2), heads(4), pushed(5)];
    let (delivered, fetched, _) = seen(5, pushes).await;
    assert_eq!((delivered, fetched), (5, 3));
}

#[tokio::test]
async fn what_is_sent_whole_is_not_fetched() {
    let pushes = [pushed(1), pushed(2), heads(2), pushed(3)];
    let (delivered, fetched, _) = seen(3, pushes).await;
    assert_eq!((delivered, fetched), (3, 0));
}

#[tokio::test]
async fn what_cannot_be_fetched_is_said() {
    let (delivered, _, tally) = seen(2, [pushed(1), heads(4)]).await;
    assert_eq!(delivered, 2);
    assert_eq!(tally.errors().get("nothing to fetch"), Some(&1));
}
