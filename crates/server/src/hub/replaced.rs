//! A standby has taken the place of the database. What was acknowledged is there; what only could be seen may be missing, and
//! other entries stand in its place. Devices are pushed entries by their numbers, so none may go on from what it has: all are
//! cut off, and the chain of the cursors with which they come back tells whose log is another one.
//!
//! Invariant: whoever was told anything by the former database is cut off before anything by the new one is told.

use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::{
    Hub,
    follow::Followed,
    task::{Event, Pending},
};
use crate::bus::Hints;

impl Hub {
    /// Called before anything is read from the new database. Never waits.
    pub(super) fn hear_replacement(&self) {
        tracing::warn!("another database has taken the place of the former one: all devices sync");
        self.is_replaced.store(true, Ordering::SeqCst);
        self.forget();
    }

    /// On the hub's task, between two events: what was read before waits there no longer, and whoever came meanwhile and may
    /// have been told some of it goes, too.
    pub(super) fn begin_anew(&self, waiting: &mut mpsc::Receiver<Event>, pending: &mut Pending) {
        if !self.is_replaced.swap(false, Ordering::SeqCst) {
            return;
        }
        while let Ok(event) = waiting.try_recv() {
            if let (Event::News(news), Some(shared)) = (event, &self.shared) {
                shared.bus.tell(Hints::of(&news));
            }
        }
        *pending = Pending::default();
        self.forget();
    }

    fn forget(&self) {
        if let Some(shared) = &self.shared {
            *shared.followed() = Followed::default();
        }
        self.threads().clear();
        for device in self.people.find(|_| true) {
            device.cut();
        }
    }
}
