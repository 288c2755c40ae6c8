//! A standby takes the place of a database that was not waited for: what could be seen and was never acknowledged is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use semel_client::{Address, Api, IdMaker, NewThread, Note, Notes, Session, SessionOptions};
use semel_protocol::{
    ClientId, DeviceId, Message, MessageId, Seq, ThreadId, entry::EntryBody, limits,
    requests::SendMessage,
};
use semel_services::Postgres;
use semel_testkit::{
    faults::{Ensemble, Fault, Found, Old, Outage, StageError, until},
    now, random, skip, token,
};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

use crate::people::acquaint;

const PATIENCE: Duration = Duration::from_mins(1);
/// Messages that wait for the standby at the same time.
const WRITERS: usize = 6;
const PAUSE: Duration = Duration::from_millis(50);
const CANCEL: &str =
    "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// By what a device knows a message.
type Told = (ClientId, MessageId);

async fn ensemble(directory: &Path) -> Option<Ensemble> {
    match Ensemble::set(directory, true, None).await {
        Ok(ensemble) => Some(ensemble),
        Err(StageError::Missing(missing)) => {
            skip(missing.part, &missing.reason);
            None
        }
        Err(StageError::Io(error)) => panic!("{error}"),
    }
}

/// Sends something again and again, to one server after the other, until it is acknowledged.
async fn say(
    addresses: Vec<Address>,
    thread: ThreadId,
    number: usize,
    client_id: ClientId,
    is_acknowledged: Arc<AtomicBool>,
) -> (Seq, Told) {
    let body = SendMessage {
        client_id,
        content: format!("message {number}"),
        kind: None,
        reply_to: None,
        attachments: vec![],
    };
    for place in number.. {
        let address = addresses[place % addresses.len()].clone();
        let api = Api::new(address, &token("ann"));
        if let Ok(reply) = api.send(thread, &body, None).await {
            is_acknowledged.store(true, Relaxed);
            let message = reply.data.message;
            return (message.seq, (client_id, message.id));
        }
        sleep(PAUSE).await;
    }
    unreachable!("there is always a next place")
}

/// Messages of the thread as one server tells them.
async fn log(address: &Address, thread: ThreadId) -> Option<BTreeMap<Seq, Told>> {
    let api = Api::new(address.clone(), &token("bob"));
    let page = api.entries(thread, 0, limits::PAGE_ENTRIES_MAX).await;
    let entries = page.ok()?.data.entries.into_iter();
    let messages = entries.filter_map(|entry| match entry.body {
        EntryBody::Message { message } => shown(&message),
        _ => None,
    });
    Some(messages.collect())
}

/// Of the writers' messages.
fn shown(message: &Message) -> Option<(Seq, Told)> {
    Some((message.seq, (message.client_id?, message.id)))
}

/// A device that shows what it is told.
struct Screen {
    now: Arc<Mutex<BTreeMap<Seq, Told>>>,
    _session: Session,
}

impl Screen {
    fn at(address: &Address, number: usize) -> Self {
        let (session, notes) = Session::start(SessionOptions::to(
            address,
            token("bob"),
            DeviceId(format!("screen-{number}")),
            NewThread::WholeLog,
            random() as u64,
        ));
        let now = Arc::default();
        tokio::spawn(show(notes, Arc::clone(&now)));
        Self {
            now,
            _session: session,
        }
    }

    fn now(&self) -> BTreeMap<Seq, Told> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.clone()
    }
}

async fn show(mut notes: Notes, shown_now: Arc<Mutex<BTreeMap<Seq, Told>>>) {
    while let Some(note) = notes.recv().await {
        let mut now = shown_now.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Note::Entry(entry) => {
                if let EntryBody::Message { message } = entry.body {
                    now.extend(shown(&message));
                }
            }
            Note::Reset { messages, .. } => *now = messages.iter().filter_map(shown).collect(),
            _ => {}
        }
    }
}

/// Nobody waits for the standby any more, again and again, until every screen shows something that was not waited for.
async fn cancel_waiting(postgres: &Postgres, screens: &[Screen]) {
    let began = Instant::now();
    while screens.iter().any(|screen| screen.now().len() < 2) {
        let now: Vec<_> = screens.iter().map(Screen::now).collect();
        assert!(began.elapsed() < PATIENCE, "nothing was seen: {now:?}");
        block_in_place(|| postgres.sql(CANCEL)).unwrap();
        sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b3_what_did_not_wait_for_its_standby_is_seen_is_not_acknowledged_and_goes() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut ensemble) = ensemble(directory.path()).await else {
        return;
    };
    let addresses = ensemble.addresses();
    let thread = acquaint(&addresses[0], "ann", "bob").await;
    let numbered = addresses.iter().enumerate();
    let screens: Vec<_> = numbered
        .map(|(n, address)| Screen::at(address, n))
        .collect();
    let (mut ids, mut writers) = (IdMaker::new(random()), JoinSet::new());
    let first = say(
        addresses.clone(),
        thread,
        0,
        ids.next(now()),
        Arc::default(),
    )
    .await;
    let mut said = BTreeMap::from([first]);
    for screen in &screens {
        let is_there = async || screen.now() == said;
        until("the device shows the first one", PATIENCE, is_there)
            .await
            .unwrap();
    }
    let standby = ensemble.cluster().standby.as_ref().unwrap();
    block_in_place(|| standby.kill()).unwrap();
    let is_acknowledged = Arc::<AtomicBool>::default();
    for number in 1..=WRITERS {
        let (addresses, told) = (addresses.clone(), Arc::clone(&is_acknowledged));
        let id = ids.next(now());
        writers.spawn(async move { say(addresses, thread, number, id, told).await });
    }
    cancel_waiting(&ensemble.cluster().postgres, &screens).await;
    let is_any = is_acknowledged.load(Relaxed);
    assert!(!is_any, "acknowledged, and on one database only");
    let seen: BTreeSet<Told> = screens
        .iter()
        .flat_map(|screen| screen.now().into_values())
        .collect();

    // The standby comes back as it was, and takes over: whatever did not wait for it is gone.
    block_in_place(|| ensemble.cluster().postgres.kill()).unwrap();
    let standby = ensemble.cluster().standby.as_ref().unwrap();
    block_in_place(|| standby.restart()).unwrap();
    let failover = Fault::Outage(Outage::Failover {
        old: Old::Killed,
        found: Found::ByAddress,
    });
    ensemble.begin(&failover).unwrap();
    let all = async {
        while let Some(one) = writers.join_next().await {
            said.extend([one.unwrap()]);
        }
    };
    timeout(PATIENCE, all).await.expect("all is acknowledged");
    ensemble.heal(&failover).await.unwrap();
    assert_eq!(said.len(), 1 + WRITERS);
    let kept: BTreeSet<Told> = said.values().copied().collect();
    assert!(!seen.is_subset(&kept), "nothing that was seen went");
    for (address, screen) in addresses.iter().zip(&screens) {
        let tells = async || log(address, thread).await.as_ref() == Some(&said);
        until("the server tells what was acknowledged", PATIENCE, tells)
            .await
            .unwrap();
        let shows = async || screen.now() == said;
        until("the device shows what was acknowledged", PATIENCE, shows)
            .await
            .unwrap_or_else(|error| panic!("{error}: {:?}, not {said:?}", screen.now()));
    }
}
