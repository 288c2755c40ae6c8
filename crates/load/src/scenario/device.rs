//! One connection that does what it is ordered to, and times it.
//!
//! Invariant: an order keeps the instant at which it was due, however long it waits for its turn.

mod seeing;

use std::{collections::HashMap, sync::Arc, time::Duration};

pub(super) use seeing::Source;
use semel_check::Action;
use semel_client::{
    Attempt, Destination, IdMaker, Incoming, Link, Outcome, Payload, Stored, Timeline,
    TransportError, Witness,
};
use semel_protocol::{
    ClientId, MessageId, Rev, Seq, ThreadId, UserId,
    message::SendResult,
    socket::{Ack, EditOne, Position, React, SendOne, Typing, from_client, from_server},
    thread::ReadResult,
};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::value::to_raw_value;
use tokio::{sync::mpsc, time::Instant};

use super::{
    orders::{Deed, Order, Orders},
    tally::{Tally, Timed},
    target::Now,
};
use crate::record::{CallRecord, Change, LOST, OpenCall, SessionRecord};

/// Calls of one connection that wait for their answer at once; the server takes 64. What is due beyond that waits here.
const IN_FLIGHT_MAX: usize = 32;
/// What a message says, after its stamp.
const FILLER: &str = "some words of the length that people write in a chat";
/// What answers begin with that are a success.
const SUCCESS: &str = r#"{"status":"success""#;
const EMOJI: &str = "👍";

/// What a device has in common with the others of its run.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) tally: Arc<Tally>,
    pub(super) now: Arc<Now>,
    /// From which stamps are counted.
    pub(super) zero: Instant,
}

/// An answer, for those who compare them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) client_id: ClientId,
    /// Which message it is, if it is stored.
    pub(super) place: Option<(MessageId, Seq)>,
    /// Whether it was there before, as the server says.
    pub(super) is_duplicate: bool,
}

impl Answer {
    pub(super) fn of(client_id: ClientId, result: &SendResult) -> Self {
        Self {
            client_id,
            place: Some((result.message.id, result.message.seq)),
            is_duplicate: result.duplicate,
        }
    }

    /// Refused, or not to be read.
    pub(super) fn none(client_id: ClientId) -> Self {
        Self {
            client_id,
            place: None,
            is_duplicate: false,
        }
    }
}

/// What a device looks at, beyond counting.
#[derive(Clone, Default)]
pub(super) struct Interest {
    /// Whether it times what it sees. Those who write do not: it is their own.
    pub(super) times_screen: bool,
    /// Whose device it is, if it remembers messages in order to edit and mark them.
    pub(super) remembers: Option<UserId>,
    /// Who compares answers.
    pub(super) answers: Option<mpsc::UnboundedSender<Answer>>,
    /// Who writes down what it sends and sees.
    pub(super) witness: Option<Arc<SessionRecord>>,
    /// Who writes down its other calls.
    pub(super) calls: Option<CallRecord>,
    /// Where it fetches what it is only told of, if it has its threads from their first entry on.
    pub(super) source: Option<Arc<Source>>,
}

/// A call that waits for its answer.
struct Call {
    id: u64,
    due: Instant,
    what: Option<Timed>,
    open: Open,
}

/// What is to be told of the answer, beyond a count.
enum Open {
    Nothing,
    /// Of a message: its client id, and what the witness calls the attempt.
    Message(ClientId, Option<u64>),
    Change(ThreadId, Option<OpenCall>),
    Mark(Option<OpenCall>),
}

impl Call {
    fn timed(due: Instant, what: Timed, open: Open) -> Self {
        Self {
            id: 0,
            due,
            what: Some(what),
            open,
        }
    }
}

/// Last messages of a thread.
#[derive(Clone, Copy, Default)]
struct Known {
    own: Option<(MessageId, Seq)>,
    others: Option<(MessageId, Seq)>,
    last_seq: Seq,
}

/// A device.
pub(super) struct Device {
    link: Box<dyn Link>,
    ids: IdMaker,
    shared: Shared,
    interest: Interest,
    in_flight: Vec<Call>,
    known: HashMap<ThreadId, Known>,
    timelines: HashMap<ThreadId, Timeline>,
    /// Up to where it has its threads, if it fetches.
    held: HashMap<ThreadId, Rev>,
}

impl Device {
    pub(super) fn new(
        link: Box<dyn Link>,
        ids: IdMaker,
        shared: Shared,
        interest: Interest,
    ) -> Self {
        Self {
            link,
            ids,
            shared,
            interest,
            in_flight: Vec::new(),
            known: HashMap::new(),
            timelines: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// Works until its task is ended. When the connection breaks, everything that is due from then on fails.
    pub(super) async fn run(mut self, mut orders: Orders) {
        let end = self.work(&mut orders).await;
        let why = match end {
            TransportError::Silent => "silent",
            TransportError::Protocol(_) | TransportError::Encode(_) => "unreadable",
            TransportError::Closed | TransportError::WebSocket(_) => "disconnected",
        };
        for lost in self.in_flight.drain(..) {
            self.shared.tally.fail(why);
            match (lost.open, &self.interest.witness) {
                (Open::Message(_, Some(attempt)), Some(witness)) => {
                    witness.outcome(attempt, Outcome::Lost);
                }
                (Open::Change(_, Some(open)) | Open::Mark(Some(open)), _) => open.unknown(LOST),
                _ => {}
            }
        }
        if let Some(witness) = &self.interest.witness {
            // It does not come back: nobody may ask of it how far it has come at the end.
            witness.crashed();
        }
        self.shared.tally.note("connection lost");
        if let Orders::Paced(orders) = &mut orders {
            while orders.recv().await.is_some() {
                self.shared.tally.fail(why);
            }
        }
    }

    async fn work(&mut self, orders: &mut Orders) -> TransportError {
        loop {
            let in_flight = self.in_flight.len();
            let done = tokio::select! {
                order = orders.next(in_flight), if in_flight < IN_FLIGHT_MAX => {
                    self.obey(order, orders).await
                }
                incoming = self.link.next() => match incoming {
                    Ok(incoming) => {
                        self.take(&incoming).await;
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    /// Writes an order and those that are there with it, in one go.
    async fn obey(&mut self, order: Order, orders: &mut Orders) -> Result<(), TransportError> {
        if matches!(orders, Orders::Endless { .. }) {
            // Whoever keeps a schedule has counted what is due.
            self.shared.tally.ask();
        }
        let mut next = Some(order);
        while let Some(order) = next {
            self.write(order).await?;
            let has_room = self.in_flight.len() < IN_FLIGHT_MAX;
            next = if has_room { orders.more() } else { None };
        }
        self.link.flush().await
    }

    async fn write(&mut self, order: Order) -> Result<(), TransportError> {
        let Order {
            due,
            thread_id,
            deed,
        } = order;
        let known = self.known.get(&thread_id).copied().unwrap_or_default();
        match (deed, known.own, known.others) {
            (Deed::Edit, Some(own), _) => self.edit(due, thread_id, own).await,
            (Deed::React, _, Some(others)) => self.react(due, thread_id, others).await,
            (Deed::Mark, ..) if known.last_seq > 0 => {
                self.mark(due, thread_id, known.last_seq).await
            }
            (Deed::Type, ..) => {
                let typing = Typing {
                    thread_id,
                    typing: true,
                };
                let call = Call {
                    id: 0,
                    due,
                    what: None,
                    open: Open::Nothing,
                };
                self.call(call, from_client::TYPING, &typing).await
            }
            (Deed::Copy(client_id), ..) => self.say(due, thread_id, client_id).await,
            (Deed::Say | Deed::Edit | Deed::React | Deed::Mark, ..) => {
                let client_id = self.ids.next((self.shared.now)());
                self.say(due, thread_id, client_id).await
            }
        }
    }

    async fn edit(
        &mut self,
        due: Instant,
        thread_id: ThreadId,
        (message_id, seq): (MessageId, Seq),
    ) -> Result<(), TransportError> {
        let content = self.words(due);
        let open = self.open(Action::Edit, thread_id, seq, Some(&content));
        let edit = EditOne {
            thread_id,
            message_id,
            content,
        };
        let call = Call::timed(due, Timed::Edit, Open::Change(thread_id, open));
        self.call(call, from_client::MESSAGE_EDIT, &edit).await
    }

    async fn react(
        &mut self,
        due: Instant,
        thread_id: ThreadId,
        (message_id, seq): (MessageId, Seq),
    ) -> Result<(), TransportError> {
        let open = self.open(Action::React, thread_id, seq, None);
        let react = React {
            thread_id,
            message_id,
            emoji: EMOJI.to_owned(),
        };
        let call = Call::timed(due, Timed::React, Open::Change(thread_id, open));
        self.call(call, from_client::REACTION_ADD, &react).await
    }

    async fn mark(
        &mut self,
        due: Instant,
        thread_id: ThreadId,
        seq: Seq,
    ) -> Result<(), TransportError> {
        let open = self.open(Action::Mark, thread_id, seq, None);
        let position = Position { thread_id, seq };
        let call = Call::timed(due, Timed::Mark, Open::Mark(open));
        self.call(call, from_client::READ, &position).await
    }

    async fn say(
        &mut self,
        due: Instant,
        thread_id: ThreadId,
        client_id: ClientId,
    ) -> Result<(), TransportError> {
        let content = self.words(due);
        let attempt = self.interest.witness.as_ref().map(|witness| {
            witness.attempt(&Attempt {
                client_id,
                destination: &Destination::Thread(thread_id),
                content: &content,
                number: 1,
                in_order: false,
            })
        });
        let send = message(thread_id, client_id, content);
        let call = Call::timed(due, Timed::Ack, Open::Message(client_id, attempt));
        self.call(call, from_client::MESSAGE_SEND, &send).await
    }

    async fn call(
        &mut self,
        call: Call,
        name: &str,
        argument: &impl Serialize,
    ) -> Result<(), TransportError> {
        let argument = to_raw_value(argument)?;
        let id = self.link.feed(name, &argument).await;
        // A call that could not be written is lost as well: it may be half-way.
        self.in_flight.push(Call {
            id: *id.as_ref().unwrap_or(&u64::MAX),
            ..call
        });
        id.map(drop)
    }

    fn open(
        &self,
        action: Action,
        thread: ThreadId,
        seq: Seq,
        content: Option<&str>,
    ) -> Option<OpenCall> {
        let calls = self.interest.calls.as_ref()?;
        Some(calls.begin(&Change {
            action,
            thread: Some(thread),
            seq,
            content,
            ..Change::default()
        }))
    }

    fn words(&self, due: Instant) -> String {
        words(due - self.shared.zero)
    }

    async fn take(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::Ack { id, payload } => {
                if let Some(at) = self.in_flight.iter().position(|call| call.id == *id) {
                    let call = self.in_flight.swap_remove(at);
                    self.answered(call, payload);
                }
            }
            Incoming::Event { name, payload } if name == from_server::ENTRY => {
                self.see(payload).await;
            }
            Incoming::Event { name, payload } if name == from_server::HEADS => {
                self.hear(payload).await;
            }
            Incoming::Event { .. } => {}
        }
    }

    fn answered(&mut self, call: Call, payload: &Payload) {
        let tally = &self.shared.tally;
        if payload.as_str().starts_with(SUCCESS) {
            tally.succeed(call.what, call.due.elapsed());
        } else {
            tally.fail(&code(payload));
        }
        match call.open {
            Open::Message(client_id, attempt) => {
                if self.interest.answers.is_some() || attempt.is_some() {
                    self.look_into(client_id, attempt, payload);
                }
            }
            Open::Change(thread_id, Some(open)) => end(open, payload, |open, _: IgnoredAny| {
                // Which entry it made is not told: another person's change may be newer.
                open.changed(thread_id, None, 0);
            }),
            Open::Mark(Some(open)) => end(open, payload, |open, data: ReadResult| {
                open.marked(data.read_seq, 0);
            }),
            Open::Change(_, None) | Open::Mark(None) | Open::Nothing => {}
        }
    }

    /// Reads the answer to a message, for those who want more than a count.
    fn look_into(&mut self, client_id: ClientId, attempt: Option<u64>, payload: &Payload) {
        let read = payload.parse::<Ack<SendResult>>();
        if let (Some(witness), Some(attempt)) = (&self.interest.witness, attempt) {
            match &read {
                Ok(Ack::Success { data }) => {
                    witness.outcome(attempt, Outcome::Stored(&stored(data)));
                }
                Ok(Ack::Error { error }) => witness.outcome(attempt, Outcome::Refused(error)),
                Err(_) => witness.outcome(attempt, Outcome::Unreadable),
            }
        }
        if let Some(answers) = &self.interest.answers {
            let answer = match &read {
                Ok(Ack::Success { data }) => Answer::of(client_id, data),
                Ok(Ack::Error { .. }) | Err(_) => Answer::none(client_id),
            };
            // Whoever compares may have seen enough.
            let _ = answers.send(answer);
        }
    }
}

/// Tells the record of a call what was answered.
fn end<T: DeserializeOwned>(open: OpenCall, payload: &Payload, success: impl FnOnce(OpenCall, T)) {
    match payload.parse::<Ack<T>>() {
        Ok(Ack::Success { data }) => success(open, data),
        Ok(Ack::Error { error }) => open.refused(&error, 0),
        Err(_) => open.unknown(0),
    }
}

fn message(thread_id: ThreadId, client_id: ClientId, content: String) -> SendOne {
    SendOne {
        thread_id,
        client_id,
        content,
        kind: None,
        reply_to: None,
        attachments: Vec::new(),
    }
}

/// What a message says: when it was due, counted from the beginning of the run, and some words.
pub(super) fn words(due: Duration) -> String {
    format!("@{} {FILLER}", due.as_micros())
}

pub(super) fn stored(result: &SendResult) -> Stored {
    Stored {
        message: result.message.clone(),
        is_duplicate: Some(result.duplicate),
        is_existing_thread: None,
        attempts: 1,
    }
}

fn code(payload: &Payload) -> String {
    match payload.parse::<Ack<IgnoredAny>>() {
        Ok(Ack::Error { error }) => error.code.to_string(),
        Ok(Ack::Success { .. }) | Err(_) => "unreadable".to_owned(),
    }
}

#[cfg(test)]
mod tests;
