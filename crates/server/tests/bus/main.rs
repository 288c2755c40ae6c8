//! Several servers over one database: with Redis, without it, and while it comes and goes.
//!
//! Each server has its own runtime, so that it can die at once. They share one `SQLite` ledger in this process, of which each hears
//! only what it submitted itself, as servers of a database server do; the other servers' commits it must find out.

#![expect(clippy::unwrap_used, reason = "tests panic")]

mod across;
mod cluster;

mod here;
mod redis;
mod refused;
#[path = "../support/refusing.rs"]
mod refusing;
mod stop;
#[expect(
    dead_code,
    reason = "the devices of the other tests are used, not their server"
)]
#[path = "../realtime/support.rs"]
mod support;
mod trouble;
mod unanswered;
