//! The hub's one task: takes news in order, and tells from time to time what is not told at once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use semel_core::{ports::News, row::PositionRow};
use semel_protocol::{Code, Rev, ThreadId, UserId};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use super::{Hub, elsewhere::Elsewhere, receipts::furthest};
use crate::bus::Hints;

/// How often tokens are looked at.
const TOKENS_LOOKED_AT: Duration = Duration::from_secs(1);

/// What the hub is told.
#[derive(Debug)]
pub(super) enum Event {
    News(News),
    Recovered,
    /// What other servers did. Dropping the sender says that it was taken.
    Elsewhere(Elsewhere, oneshot::Sender<()>),
}

/// What waits to be told, in an order that is the same in every run.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Threads whose line in lists changed.
    pub(super) lists: BTreeSet<ThreadId>,
    /// Positions that moved.
    pub(super) positions: BTreeMap<(ThreadId, UserId), PositionRow>,
    /// Threads whose people could not be loaded, which is tried again; and how many entries of each are asked for at once.
    pub(super) in_doubt: BTreeMap<ThreadId, usize>,
    /// The one of them of which the store did not answer the last time.
    pub(super) in_vain: Option<ThreadId>,
    /// Threads that moved since heads were told.
    pub(super) moved: BTreeMap<ThreadId, Rev>,
    /// The large ones among them, whose heads are told soon.
    pub(super) moved_large: BTreeMap<ThreadId, Rev>,
}

impl Pending {
    /// Somebody's position, by a commit or from the store.
    pub(super) fn note_position(&mut self, id: ThreadId, who: UserId, position: PositionRow) {
        let known = self.positions.entry((id, who)).or_default();
        *known = furthest(*known, position);
    }
}

pub(super) async fn run(hub: Arc<Hub>, mut waiting: mpsc::Receiver<Event>) {
    let mut pending = Pending::default();
    let timer = |every: Duration| {
        let mut timer = interval(every);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        timer
    };
    let mut soon = timer(hub.rhythm.soon);
    let mut heads = timer(hub.rhythm.heads);
    let mut tokens = timer(TOKENS_LOOKED_AT);
    loop {
        hub.begin_anew(&mut waiting, &mut pending);
        tokio::select! {
            biased;
            event = waiting.recv() => match event {
                Some(Event::News(news)) => hub.take(news, &mut pending).await,
                Some(Event::Recovered) => hub.catch_up_all(&mut pending).await,
                Some(Event::Elsewhere(found, _done)) => {
                    hub.take_elsewhere(found, &mut pending).await;
                }
                None => return,
            },
            _ = soon.tick() => hub.tell_soon(&mut pending).await,
            _ = heads.tick() => hub.tell_heads(std::mem::take(&mut pending.moved)),
            _ = tokens.tick() => hub.end_expired(),
        }
        if waiting.is_empty() {
            hub.make_up(&mut pending).await;
        }
    }
}

impl Hub {
    async fn take(self: &Arc<Self>, news: News, pending: &mut Pending) {
        if let Some(shared) = &self.shared {
            shared.bus.tell(Hints::of(&news));
        }
        if self.people.read(HashMap::is_empty) {
            self.note_untold(&news);
            // Nobody is there to be told; whoever comes syncs. What is known of threads grows old.
            self.threads().clear();
            pending.in_doubt.clear();
            return;
        }
        for (entry, about) in news.entries {
            if !self.leave_to_fetch(&entry) {
                self.deliver(&entry, about.as_ref(), pending).await;
            }
        }
        for (thread, who, position) in news.positions {
            pending.note_position(thread, who, position);
        }
        for line in news.own {
            self.note_own(line);
        }
    }

    async fn tell_soon(&self, pending: &mut Pending) {
        self.clear_doubts(pending).await;
        let lists = std::mem::take(&mut pending.lists);
        self.tell_lists(lists).await;
        let positions = std::mem::take(&mut pending.positions);
        self.tell_positions(positions).await;
        self.tell_heads(std::mem::take(&mut pending.moved_large));
    }

    fn end_expired(&self) {
        let now = self.clock.now();
        let expired = self.people.find(|device| device.expires_at <= now);
        for device in expired {
            device.keep_out(Code::Unauthenticated);
        }
    }
}
