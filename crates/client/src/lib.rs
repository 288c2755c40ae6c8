//! A small client of Semel, over HTTP and over Socket.IO on WebSocket.
//!
//! From low to high: [`codec`] reads and writes Socket.IO's packets, [`Transport`] is one connection, [`Client`] is one
//! connection with calls and events, [`Session`] stays connected, keeps every thread's log whole and sends each message
//! once. [`Api`] makes the HTTP calls.
//!
//! Invariant: this crate knows the protocol and nothing else of ours. Time and randomness are the caller's.

mod address;
mod api;
mod client;
pub mod codec;
mod ids;
mod outbox;
mod session;
mod timeline;
mod transport;

pub use address::{Address, AddressError};
pub use api::{Api, ApiError, Reply};
pub use client::{Client, EmitError, Event, Events};
pub use ids::IdMaker;
pub use outbox::Destination;
pub use session::{Counts, NewThread, Note, Notes, SendError, Session, SessionOptions, Stored};
pub use timeline::{Step, Timeline};
pub use transport::{ConnectError, Incoming, Payload, Transport, TransportError};
