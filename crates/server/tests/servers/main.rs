//! Servers of one `PostgreSQL` database, put together as the program does it.

#![expect(clippy::unwrap_used, reason = "tests panic")]

mod behind;
mod contacts;
mod contention;
mod database;
mod erasure;
mod health;
mod invites;
mod limits;
mod place;
mod profiles;
#[expect(dead_code, reason = "the tests of the bus do more with it")]
#[path = "../bus/redis.rs"]
mod redis;
#[expect(dead_code, reason = "the tests of the bus do more with it")]
#[path = "../support/refusing.rs"]
mod refusing;
mod revoke;
#[expect(
    dead_code,
    reason = "the devices of the other tests are used, not their server"
)]
#[path = "../realtime/support.rs"]
mod support;
mod tls;
