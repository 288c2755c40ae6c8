//! People sign in to whole servers: codes over a real receiver, tokens, cookies, sockets, host applications.

#![expect(clippy::unwrap_used, reason = "tests panic")]
#![expect(
    clippy::large_futures,
    clippy::needless_pass_by_value,
    reason = "tests are short and read better so"
)]

mod codes;
mod cookies;
mod erasure;
mod finding;
mod host;
mod mailbox;
mod openid;
mod operators;
mod place;
mod provider;
mod receiver;
mod sessions;
mod several;
mod several_ways;
