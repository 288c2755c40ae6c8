//! The HTTP interface over real sockets and a real `SQLite` file.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on has failed, and reads best as a sentence"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/refusing.rs"]
mod refusing;

mod access;
mod ask;
mod export;
mod finding;
mod groups;
mod idempotency;
mod in_flight;
mod input;
mod invites;
mod jobs;
mod messages;
mod people;
mod pictures;
mod races;
mod replay;
mod reports;
mod sign_in;
mod stories;
mod surface;
mod threads;
mod tokens;
