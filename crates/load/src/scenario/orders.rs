//! What devices are ordered to do, and when it was due.

use std::ops::Range;

use semel_protocol::{ClientId, ThreadId};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A new message.
    Say,
    /// A message under an id that somebody else made: one of several copies.
    Copy(ClientId),
    /// New words for the last message of this device's own; without one, a new message.
    Edit,
    /// A reaction to the last message that is not this device's own; without one, a new message.
    React,
    /// The newest message was read; before there is one, a new message.
    Mark,
    /// The person types.
    Type,
}

/// Something to do, and when it was due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) due: Instant,
    pub(super) thread_id: ThreadId,
    pub(super) deed: Deed,
}

/// Where a device has its orders from.
pub(super) enum Orders {
    /// A closed loop: the next message when the last one is answered, in this time.
    Endless {
        time: Range<Instant>,
        thread_id: ThreadId,
    },
    /// An open loop.
    Paced(mpsc::UnboundedReceiver<Order>),
    /// It only reads.
    None,
}

impl Orders {
    /// The next order, or for ever nothing.
    pub(super) async fn next(&mut self, in_flight: usize) -> Order {
        match self {
            Self::Endless { time, thread_id } if in_flight == 0 && Instant::now() < time.end => {
                if Instant::now() < time.start {
                    sleep_until(time.start).await;
                }
                Order {
                    due: Instant::now(),
                    thread_id: *thread_id,
                    deed: Deed::Say,
                }
            }
            Self::Paced(orders) => match orders.recv().await {
                Some(order) => order,
                None => std::future::pending().await,
            },
            Self::Endless { .. } | Self::None => std::future::pending().await,
        }
    }

    /// An order that is there already.
    pub(super) fn more(&mut self) -> Option<Order> {
        match self {
            Self::Paced(orders) => orders.try_recv().ok(),
            Self::Endless { .. } | Self::None => None,
        }
    }
}

/// Orders, and where they are handed in.
pub(super) fn desk(thread_id: ThreadId) -> (Orders, Desk) {
    let (orders, waiting) = mpsc::unbounded_channel();
    (Orders::Paced(waiting), Desk { orders, thread_id })
}

/// Where orders for one writer are handed in.
pub(super) struct Desk {
    orders: mpsc::UnboundedSender<Order>,
    thread_id: ThreadId,
}

impl Desk {
    pub(super) fn order(&self, due: Instant, deed: Deed) {
        let thread_id = self.thread_id;
        // A writer that is gone has been noted.
        let _ = self.orders.send(Order {
            due,
            thread_id,
            deed,
        });
    }
}
