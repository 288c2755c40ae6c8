//! Tells what lanes committed in the order of commits, thread by thread.
//!
//! Most commands of a thread go through one lane; those that name people may reach it through another. Who commits after
//! somebody else has read what that one wrote, so the other one has announced itself before: its news goes first.

use std::{
    collections::{BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use semel_core::{
    Changes,
    ports::{Listener, News},
};
use semel_protocol::ThreadId;

/// Names a batch that is about to be committed.
type Ticket = u64;

/// What all lanes of a server share.
pub(super) struct Order {
    listener: Arc<dyn Listener>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: Ticket,
    /// Announced, and not told yet.
    coming: HashMap<Ticket, Coming>,
}

struct Coming {
    threads: BTreeSet<ThreadId>,
    /// Batches whose news goes first.
    after: BTreeSet<Ticket>,
    /// Committed, and waiting for those.
    news: Option<News>,
}

impl Order {
    pub(super) fn new(listener: Arc<dyn Listener>) -> Arc<Self> {
        Arc::new(Self {
            listener,
            state: Mutex::default(),
        })
    }

    fn announce(&self, threads: BTreeSet<ThreadId>) -> Ticket {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let shares = |other: &Coming| !other.threads.is_disjoint(&threads);
        let before = state.coming.iter().filter(|(_, other)| shares(other));
        let after = before.map(|(ticket, _)| *ticket).collect();
        let ticket = state.next;
        state.next += 1;
        let coming = Coming {
            threads,
            after,
            news: None,
        };
        state.coming.insert(ticket, coming);
        ticket
    }

    /// With news: committed. Without: nobody knows, or it was not.
    fn done(&self, ticket: Ticket, news: Option<News>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = state
            .coming
            .get(&ticket)
            .is_none_or(|coming| coming.after.is_empty());
        if !is_first
            && news.is_some()
            && let Some(coming) = state.coming.get_mut(&ticket)
        {
            coming.news = news;
            return;
        }
        if let Some(news) = news {
            self.tell(news);
        }
        self.let_go(&mut state, ticket);
    }

    /// Those that waited for this one only are next.
    fn let_go(&self, state: &mut State, ticket: Ticket) {
        let mut gone = vec![ticket];
        while let Some(ticket) = gone.pop() {
            state.coming.remove(&ticket);
            for (other, coming) in &mut state.coming {
                if coming.after.remove(&ticket)
                    && coming.after.is_empty()
                    && let Some(news) = coming.news.take()
                {
                    self.tell(news);
                    gone.push(*other);
                }
            }
        }
    }

    /// A listener that panics must not keep back what comes after.
    fn tell(&self, news: News) {
        let told = catch_unwind(AssertUnwindSafe(|| self.listener.committed(news)));
        if told.is_err() {
            tracing::error!("a listener panicked");
        }
    }
}

/// One lane's share of it: announces, and tells.
pub(super) struct LaneOrder {
    order: Arc<Order>,
    ticket: Mutex<Option<Ticket>>,
}

impl LaneOrder {
    pub(super) fn new(order: Arc<Order>) -> Arc<Self> {
        Arc::new(Self {
            order,
            ticket: Mutex::default(),
        })
    }

    /// A commit is about to begin.
    pub(super) fn announce(&self, threads: BTreeSet<ThreadId>) {
        let ticket = self.order.announce(threads);
        *self.ticket() = Some(ticket);
    }

    /// It has not come about, as far as anybody knows.
    pub(super) fn withdraw(&self) {
        let ticket = self.ticket().take();
        if let Some(ticket) = ticket {
            self.order.done(ticket, None);
        }
    }

    fn ticket(&self) -> std::sync::MutexGuard<'_, Option<Ticket>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for LaneOrder {
    fn committed(&self, news: News) {
        let ticket = self.ticket().take();
        match ticket {
            Some(ticket) => self.order.done(ticket, Some(news)),
            None => self.order.listener.committed(news),
        }
    }

    fn recovered(&self) {
        self.order.listener.recovered();
    }
}

/// The threads of which changes bring news.
pub(super) fn threads_of(changes: &Changes) -> impl Iterator<Item = ThreadId> + '_ {
    let entries = changes.entries.iter().map(|entry| entry.thread_id);
    entries.chain(changes.positions.iter().map(|((id, _), _)| *id))
}

#[cfg(test)]
mod tests {
    use semel_core::{ports::OwnLine, row::Subject};

    use super::*;
    use crate::conformance::world::{Recorder, uuid};

    fn news(contact: &str) -> News {
        let who = crate::conformance::world::user(contact);
        let line = OwnLine {
            subject: Subject::Contact(who.clone()),
            who,
            number: 1,
        };
        News {
            own: vec![line],
            ..News::default()
        }
    }

    #[test]
    fn news_of_a_thread_waits_for_the_commit_before_it() {
        let recorder = Arc::new(Recorder::default());
        let order = Order::new(Arc::clone(&recorder) as Arc<dyn Listener>);
        let lanes: Vec<_> = (0..4).map(|_| LaneOrder::new(Arc::clone(&order))).collect();
        let ids = |numbers: &[u64]| numbers.iter().map(|n| ThreadId(uuid(*n))).collect();
        lanes[0].announce(ids(&[1]));
        lanes[1].announce(ids(&[1, 2]));
        lanes[2].announce(ids(&[2]));
        lanes[3].announce(ids(&[3]));
        for (lane, name) in [(2, "third"), (1, "second"), (3, "other"), (0, "first")] {
            lanes[lane].committed(news(name));
        }
        let told = |recorder: &Recorder| -> Vec<String> {
            let news = recorder.news.lock().unwrap();
            news.iter()
                .map(|news| news.own[0].who.to_string())
                .collect()
        };
        assert_eq!(told(&recorder), ["other", "first", "second", "third"]);

        lanes[0].announce(ids(&[1]));
        lanes[1].announce(ids(&[1]));
        lanes[1].committed(news("after"));
        lanes[0].withdraw();
        assert_eq!(told(&recorder)[4..], ["after"]);
        assert!(order.state.lock().unwrap().coming.is_empty());
    }
}
