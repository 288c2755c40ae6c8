//! Histories of what clients did and saw, and the checker that judges them: nothing twice, nothing lost, one order.
//!
//! From low to high: an [`Event`] is one fixed-size record, [`history`] reads and writes files of them, a [`Checker`]
//! takes them one by one and ends with a [`Report`], [`check_file`] and [`run_cli`] do it for a file and add to each
//! violation the time line of the events that belong to it. [`model`] makes good histories for tests and benchmarks.
//!
//! Invariant: the checker believes only what devices and readers recorded; it knows nothing of the server's insides.

mod checker;
mod command;
mod coverage;
mod event;
mod explain;
pub mod history;
pub mod model;
mod report;

pub use checker::Checker;
pub use command::{check_events, check_file, run_cli};
pub use coverage::{Options, Sometimes};
pub use event::{
    Action, CRASHED, DISCONNECTED, DUPLICATE, EVENT_BYTES, Event, Kind, ORDERED, TIMED_OUT,
    TO_HEAD, code_byte, code_text, fingerprint, fingerprint_of, kind_of_error,
};
pub use report::{Invariant, Report, Subject, Verdict, Violation};
