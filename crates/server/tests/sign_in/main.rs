//! People sign in to whole servers: codes over a real receiver, tokens, cookies, sockets, host applications.

#![expect(clippy::unwrap_used, reason = "tests panic")]
#![expect(
    clippy::large_futures,
    clippy::needless_pass_by_value,
    reason = "tests are short and read better so"
)]

mod codes;
mod cookies;
mod finding;
mod host;
mod operators;
mod place;
mod receiver;
mod sessions;
mod several;
