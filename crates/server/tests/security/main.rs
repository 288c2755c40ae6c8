//! Who may do what, and what other chat servers got wrong, against whole servers.

#![expect(clippy::unwrap_used, reason = "tests panic")]
#![expect(
    clippy::needless_pass_by_value,
    reason = "tests are short and read better so"
)]

mod limits;
mod matrix;
mod peers;
#[expect(dead_code, reason = "the tests of signing in do more with it")]
#[path = "../sign_in/place.rs"]
mod place;
#[expect(dead_code, reason = "the tests of signing in do more with it")]
#[path = "../sign_in/receiver.rs"]
mod receiver;
#[expect(dead_code, reason = "its devices are used, not its server")]
#[path = "../realtime/support.rs"]
mod support;
mod web;
