//! One connection with calls and events. Coming back after it broke is the caller's, or [`crate::Session`]'s.

use std::collections::HashMap;

use semel_protocol::{DeviceId, socket::Ack};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::{Address, ConnectError, Incoming, Payload, Transport, TransportError};

/// Calls that may wait to be written.
const CALLS_WAITING_MAX: usize = 1_024;
/// Events that may wait to be read. Beyond that the connection ends: its reader is too slow.
const EVENTS_WAITING_MAX: usize = 8_192;

/// An open connection. Clones share it; it ends when the last one is dropped, or [`Events`] is.
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
}

/// An event of the server.
#[derive(Clone, Debug)]
pub struct Event {
    /// See `semel_protocol::socket::from_server`.
    pub name: String,
    /// What it carries.
    pub payload: Payload,
}

/// The events of a connection, in order.
pub struct Events {
    events: mpsc::Receiver<Event>,
    end: oneshot::Receiver<TransportError>,
}

impl Events {
    /// The next event; none after the end.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Why the connection ended, once it has.
    pub async fn end(self) -> TransportError {
        self.end.await.unwrap_or(TransportError::Closed)
    }
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The connection ended first. Whether the call took effect is not known; repeating it with the same client id or
    /// idempotency key is safe.
    #[error("the connection ended before the answer")]
    Disconnected,
    /// The argument cannot be written.
    #[error("the argument cannot be encoded")]
    Encode(#[source] serde_json::Error),
    /// The answer is not what was expected.
    #[error("the answer cannot be read")]
    Decode(#[source] serde_json::Error),
}

struct Call {
    name: String,
    argument: Box<RawValue>,
    answer: oneshot::Sender<Payload>,
}

impl Client {
    /// Connects and is accepted.
    pub async fn connect(
        address: &Address,
        token: &str,
        device_id: Option<&DeviceId>,
    ) -> Result<(Self, Events), ConnectError> {
        let transport = Transport::connect(address, token, device_id).await?;
        let (calls, waiting) = mpsc::channel(CALLS_WAITING_MAX);
        let (told, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (why, end) = oneshot::channel();
        tokio::spawn(async move {
            let error = run(transport, waiting, told).await;
            // Nobody needs to want the reason.
            let _ = why.send(error);
        });
        Ok((Self { calls }, Events { events, end }))
    }

    /// Sends an event and waits for its acknowledgement. Many calls may wait at once.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        name: &str,
        argument: &impl Serialize,
    ) -> Result<Ack<T>, EmitError> {
        let argument = serde_json::value::to_raw_value(argument).map_err(EmitError::Encode)?;
        let (answer, answered) = oneshot::channel();
        let call = Call {
            name: name.to_owned(),
            argument,
            answer,
        };
        self.calls
            .send(call)
            .await
            .map_err(|_| EmitError::Disconnected)?;
        let payload = answered.await.map_err(|_| EmitError::Disconnected)?;
        payload.parse().map_err(EmitError::Decode)
    }
}

async fn run(
    mut transport: Transport,
    mut calls: mpsc::Receiver<Call>,
    events: mpsc::Sender<Event>,
) -> TransportError {
    let mut waiting: HashMap<u64, oneshot::Sender<Payload>> = HashMap::new();
    loop {
        let step = tokio::select! {
            call = calls.recv() => {
                let Some(call) = call else {
                    transport.close().await;
                    return TransportError::Closed;
                };
                write(&mut transport, call, &mut calls, &mut waiting).await
            }
            incoming = transport.next() => incoming.and_then(|incoming| {
                hand_on(incoming, &events, &mut waiting)
            }),
        };
        if let Err(error) = step {
            return error;
        }
    }
}

/// Writes the calls that are there in one go.
async fn write(
    transport: &mut Transport,
    first: Call,
    more: &mut mpsc::Receiver<Call>,
    waiting: &mut HashMap<u64, oneshot::Sender<Payload>>,
) -> Result<(), TransportError> {
    let mut next = Some(first);
    while let Some(call) = next {
        let id = transport.feed(&call.name, &call.argument).await?;
        waiting.insert(id, call.answer);
        next = more.try_recv().ok();
    }
    transport.flush().await
}

fn hand_on(
    incoming: Incoming,
    events: &mpsc::Sender<Event>,
    waiting: &mut HashMap<u64, oneshot::Sender<Payload>>,
) -> Result<(), TransportError> {
    match incoming {
        Incoming::Ack { id, payload } => {
            if let Some(answer) = waiting.remove(&id) {
                // The caller may have given up waiting.
                let _ = answer.send(payload);
            }
            Ok(())
        }
        Incoming::Event { name, payload } => events
            .try_send(Event { name, payload })
            .map_err(|_| TransportError::Closed),
    }
}
