//! The Socket.IO surface, with real sockets and a real database.

#![expect(clippy::unwrap_used, reason = "tests panic")]

mod blocks;
mod connect;
mod crowds;
mod doubt;
mod floods;
mod groups;
mod live;
mod polling;
mod send;
mod slow;
mod stories;
mod support;
mod sync;
