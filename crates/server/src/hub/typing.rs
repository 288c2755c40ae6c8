//! Who types: told to those of the others who are here, and forgotten.
//!
//! Invariant: delivery waits for nothing of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use semel_core::{Refusal, Stop, ports::LedgerError, queries};
use semel_protocol::{
    ThreadId, UserId,
    socket::{TypingNotice, from_server},
};
use tokio::{sync::Notify, time::timeout};

use super::{Device, Hub, elsewhere::Shared, find::all, live::LiveThreads};
use crate::{bus::Hints, realtime::packet};

/// Notices of other servers that are looked at together; what is beyond is dropped.
const NOTICES_AT_ONCE: usize = 256;
/// How long looking at them may take: what comes later is about what was.
const NOTICES_MAX: Duration = Duration::from_secs(3);

/// Who types where, or stopped.
type Notices = BTreeMap<ThreadId, BTreeMap<UserId, bool>>;

/// What other servers told of those who type.
#[derive(Debug, Default)]
pub(super) struct Heard {
    waiting: Mutex<Hints>,
    came: Notify,
}

impl Heard {
    fn waiting(&self) -> MutexGuard<'_, Hints> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has notices told soon.
    pub(super) fn hear(&self, typing: Notices) {
        if typing.is_empty() {
            return;
        }
        let hints = Hints {
            typing,
            ..Hints::default()
        };
        self.waiting().merge(hints);
        self.came.notify_one();
    }
}

/// Tells what other servers told, until the ledger closes.
pub(super) async fn run(hub: &Hub, shared: &Shared) {
    loop {
        shared.typing.came.notified().await;
        let typing = std::mem::take(&mut shared.typing.waiting().typing);
        // Nobody misses what the store did not answer, or too late.
        let shown = timeout(NOTICES_MAX, hub.show_all(typing)).await;
        if matches!(shown, Ok(Err(LedgerError::Closing))) {
            return;
        }
    }
}

impl Hub {
    async fn show_all(&self, typing: Notices) -> Result<(), LedgerError> {
        let typing = typing.into_iter().flat_map(|(id, people)| {
            let notice = move |(who, typing)| (id, who, typing);
            people.into_iter().map(notice)
        });
        let typing: Vec<_> = typing.take(NOTICES_AT_ONCE).collect();
        let people = typing.iter().map(|(_, who, _)| who.clone()).collect();
        let kept = self.kept_from(people).await?;
        for (id, who, typing) in typing {
            let _ = self.show_typing(&who, id, typing, &kept).await;
        }
        Ok(())
    }

    /// Tells the other participants that somebody types.
    pub async fn typing(&self, device: &Device, id: ThreadId, typing: bool) -> Result<(), NotTold> {
        let who = &device.user_id;
        let kept = self.kept_from(vec![who.clone()]).await?;
        self.show_typing(who, id, typing, &kept).await?;
        if let Some(shared) = &self.shared {
            let typing = [(id, BTreeMap::from([(who.clone(), typing)]))].into();
            shared.bus.tell(Hints {
                typing,
                ..Hints::default()
            });
        }
        Ok(())
    }

    /// Tells those of the other participants who are connected here.
    async fn show_typing(
        &self,
        who: &UserId,
        id: ThreadId,
        typing: bool,
        kept: &KeptApart,
    ) -> Result<(), NotTold> {
        let known = self.threads().get_sure(id).map(|live| {
            live.has_active(who)
                .then(|| (live.active().cloned().collect(), live.is_large()))
        });
        let audience: Option<(Vec<UserId>, bool)> = match known {
            Some(audience) => audience,
            None => self.audience(who, id).await?,
        };
        let (people, is_large) = audience.ok_or_else(Refusal::not_found)?;
        let notice = TypingNotice {
            thread_id: id,
            user_id: who.clone(),
            typing,
        };
        let frame = packet::event(from_server::TYPING, &notice);
        self.people.read(|devices| {
            let others = people.iter().filter(|other| *other != who);
            let others = others.filter(|other| !kept.are_kept(who, other));
            for other in others.filter_map(|other| devices.get(other)).flatten() {
                if !is_large || other.has_open(id) {
                    other.push(frame.clone());
                }
            }
        });
        Ok(())
    }

    async fn audience(
        &self,
        who: &UserId,
        id: ThreadId,
    ) -> Result<Option<(Vec<UserId>, bool)>, LedgerError> {
        let asked = self.ask(move |rows| queries::roster(rows, id)).await?;
        let Some(roster) = asked.unwrap_or_default() else {
            return Ok(None);
        };
        let mut threads = LiveThreads::default();
        let live = threads.put(roster);
        Ok(live
            .has_active(who)
            .then(|| (live.active().cloned().collect(), live.is_large())))
    }

    /// Who is kept from some people by blocks: asked for every time, so that what was acknowledged counts.
    async fn kept_from(&self, people: Vec<UserId>) -> Result<KeptApart, LedgerError> {
        let asked = self.ask(move |rows| {
            let (mut kept, mut missing) = (KeptApart::default(), Vec::new());
            for who in &people {
                match queries::kept_from(rows, who) {
                    Ok(others) => drop(kept.0.insert(who.clone(), others)),
                    Err(Stop::NotLoaded(key)) => missing.push(key),
                    Err(stop) => return Err(stop),
                }
            }
            all(kept, missing)
        });
        Ok(asked.await?.unwrap_or_default())
    }
}

/// Who is kept from whom.
#[derive(Debug, Default)]
struct KeptApart(BTreeMap<UserId, BTreeSet<UserId>>);

impl KeptApart {
    fn are_kept(&self, who: &UserId, other: &UserId) -> bool {
        self.0.get(who).is_some_and(|others| others.contains(other))
    }
}

/// Why a notice was not told.
#[derive(Debug)]
pub enum NotTold {
    /// Not the person's to tell.
    Refused(Refusal),
    /// The store did not answer.
    Failed(LedgerError),
}

impl From<Refusal> for NotTold {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LedgerError> for NotTold {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}
