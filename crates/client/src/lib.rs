//! A small client of Semel, over HTTP and over Socket.IO on WebSocket.
//!
//! From low to high: [`codec`] reads and writes Socket.IO's packets, [`Transport`] is one connection, [`Client`] is one
//! connection with calls and events, [`Session`] stays connected, keeps every thread's log whole and sends each message
//! once. [`Api`] makes the HTTP calls.
//!
//! A session reaches the server through [`Network`] only, keeps in a [`Store`] what has to outlive a crash, and tells a
//! [`Witness`] what it does and sees.
//!
//! Invariant: this crate knows the protocol, and the defects that tests give it, and nothing else of ours. Time and randomness are the caller's.
//! Invariant: what a session does follows from its options, the network, and tokio's time.

mod address;
mod api;
mod client;
pub mod codec;
mod ids;
mod network;
mod outbox;
mod session;
mod store;
mod timeline;
mod transport;
mod witness;

pub use address::{Address, AddressError};
pub use api::{Answer, Api, ApiError, Reply, percent_encoded};
pub use client::{Client, EmitError, Event, Events};
pub use hyper::Method;
pub use ids::IdMaker;
pub use network::{Link, Network, Sockets};
pub use outbox::Destination;
pub use session::{Counts, NewThread, Note, Notes, SendError, Session, SessionOptions, Stored};
pub use store::{
    ACKNOWLEDGED_HOURS_MAX, ACKNOWLEDGED_MESSAGES_MAX, Kept, MemoryStore, Outgoing, Store,
    StoreError,
};
pub use timeline::{Step, Timeline};
pub use transport::{ConnectError, Incoming, Payload, Transport, TransportError};
pub use witness::{Attempt, Outcome, Witness};
