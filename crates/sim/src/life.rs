//! Flags that are raised once, and one life of a server: until it is killed.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::sync::Notify;

/// Something that happens once. Clones share it. Those who wait are woken in the order in which they came: tokio's
/// `watch` wakes them in a random one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flag(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_raised: AtomicBool,
    raised: Notify,
}

impl Flag {
    pub(crate) fn raise(&self) {
        self.0.is_raised.store(true, Relaxed);
        self.0.raised.notify_waiters();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.is_raised.load(Relaxed)
    }

    /// Comes back when it is raised.
    pub(crate) async fn raised(&self) {
        while !self.is_raised() {
            self.0.raised.notified().await;
        }
    }
}

/// A life of a server. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life(Flag);

impl Life {
    /// The server is killed: nothing that it still does is seen by anybody.
    pub(crate) fn end(&self) {
        self.0.raise();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_raised()
    }

    /// Comes back only while the server lives.
    pub(crate) async fn go_on(&self) {
        if self.is_over() {
            pending::<()>().await;
        }
    }

    /// Comes back when the server is killed.
    pub(crate) async fn over(&self) {
        self.0.raised().await;
    }
}
