//! Services that Semel is used with, as processes of one's own on loopback ports: to use, to stop, to kill, to start again.
//!
//! Whoever starts one owns it: dropping it ends its processes, and so does the end of the process that started it, however
//! that ends. On Linux only: what runs is read from `/proc`.

mod account;
mod balancer;
mod certificates;
mod port;
mod postgres;
mod process;
mod redis;
mod skip;
mod trouble;

pub use balancer::{Affinity, Algorithm, Balance, Balancer};
pub use certificates::Authority;
pub use port::Port;
pub use postgres::{Postgres, Shared, shared_postgres};
pub use redis::Redis;
pub use skip::{or_skip, skip};
pub use trouble::Trouble;
