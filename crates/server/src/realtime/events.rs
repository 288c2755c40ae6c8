//! Events of devices: read, done, acknowledged.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use semel_core::{
    Command, IdempotencyKey, Refusal, Reply,
    actions::Action,
    ports::LedgerError,
    queries::{self, SyncAsk, SyncView},
};
use semel_protocol::{
    Code, Problem,
    limits::PRESENCE_USERS_MAX,
    socket::{Ack, OneThread, Position, PresenceAsk, PresenceList, Typing, from_client},
    sync::SyncRequest,
};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::{
    gate::Gate,
    incoming::{self, Incoming},
    packet,
    positions::{Positions, TooMany},
};
use crate::{
    app::App,
    convert,
    hub::{Device, Hub, InFlight, NotTold, Waits},
    limits::Doing,
    telemetry::Watch,
};

/// `sync` answers that are made at a time, so that a crowd that comes back does not starve those who are here.
const SYNCS_AT_ONCE: usize = 32;
/// When to go on after too much at once, in milliseconds.
const RATE_RETRY_MS: u64 = 1_000;

/// Handles events.
pub(super) struct Events {
    app: Arc<App>,
    hub: Arc<Hub>,
    positions: Arc<Positions>,
    syncs: Semaphore,
    gate: Gate,
}

/// What there is to say when there is nothing to say.
#[derive(Serialize)]
struct Nothing {}

/// An event that wants its answer.
#[derive(Clone)]
struct Call {
    device: Arc<Device>,
    /// Under which number; none if the client does not want to know.
    ack: Option<Arc<str>>,
    request_id: String,
    /// Given back when the answer is out.
    _place: Arc<InFlight>,
}

impl Call {
    fn answer(&self, json: &str) {
        if let Some(ack) = &self.ack {
            self.device.push(packet::ack(ack, json));
        }
    }

    fn succeed(&self, data: &impl Serialize) {
        let ack = Ack::Success { data };
        self.answer(&serde_json::to_string(&ack).expect("wire types are plain JSON"));
    }

    fn fail(&self, problem: Problem) {
        if let Some(ack) = &self.ack {
            self.device.push(packet::ack(ack, &error_json(problem)));
        }
    }

    fn refuse(&self, refusal: &Refusal) {
        self.fail(convert::from_refusal(refusal, &self.request_id));
    }

    fn slow_down(&self, retry_after_ms: u64) {
        let detail = "too much at once";
        let problem = Problem::new(Code::RateLimited, detail, self.request_id.clone());
        self.fail(Problem {
            retry_after_ms: Some(retry_after_ms),
            ..problem
        });
    }

    fn come_again(&self, retry_after_ms: u64) {
        let detail = "too many devices come back at once";
        let problem = Problem::new(Code::Overloaded, detail, self.request_id.clone());
        self.fail(Problem {
            retry_after_ms: Some(retry_after_ms),
            ..problem
        });
    }

    fn finish(&self, done: Result<Reply, LedgerError>) {
        match done {
            Ok(reply) => self.answer(&convert::ack(reply, &self.request_id)),
            Err(error) => self.fail(convert::from_ledger(&error, &self.request_id)),
        }
    }
}

fn error_json(problem: Problem) -> String {
    let ack = Ack::<()>::Error {
        error: Box::new(problem),
    };
    serde_json::to_string(&ack).expect("a problem is plain JSON")
}

impl Events {
    /// The gate is for `sync`.
    pub(super) fn new(app: Arc<App>, hub: Arc<Hub>, positions: Arc<Positions>, gate: Gate) -> Self {
        Self {
            app,
            hub,
            positions,
            syncs: Semaphore::new(SYNCS_AT_ONCE),
            gate,
        }
    }

    /// Events here carry no binary data.
    pub(super) fn refuse_binary(&self, device: &Arc<Device>, ack: Option<&str>) {
        let detail = "events carry one JSON object and no binary data";
        self.refuse_early(device, ack, Code::MalformedBody, detail, None);
    }

    fn refuse_early(
        &self,
        device: &Arc<Device>,
        ack: Option<&str>,
        code: Code,
        detail: &str,
        retry_after_ms: Option<u64>,
    ) {
        if let Some(ack) = ack {
            let problem = Problem::new(code, detail, self.app.request_id());
            let problem = Problem {
                retry_after_ms,
                ..problem
            };
            device.push(packet::ack(ack, &error_json(problem)));
        }
    }

    /// Takes an event. Called in the order in which the device sent; what goes to the ledger takes its place there before
    /// this returns.
    pub(super) fn take(
        self: &Arc<Self>,
        device: &Arc<Device>,
        ack: Option<&str>,
        event: &Incoming<'_>,
    ) {
        let waits = match event.name.as_ref() {
            from_client::READ => Waits::Read,
            _ => Waits::Action,
        };
        let Some(place) = device.begin(waits) else {
            let detail = "too many events wait for their answer";
            self.refuse_early(device, ack, Code::RateLimited, detail, Some(RATE_RETRY_MS));
            return;
        };
        let call = Call {
            device: device.clone(),
            ack: ack.map(Arc::from),
            request_id: self.app.request_id(),
            _place: Arc::new(place),
        };
        if let Some(action) = incoming::plain_send(event) {
            return self.act(call, action, None);
        }
        match incoming::payload(event) {
            Ok((body, key)) => self.dispatch(&call, event, body, key),
            Err(refusal) => call.refuse(&refusal),
        }
    }

    fn dispatch(
        self: &Arc<Self>,
        call: &Call,
        event: &Incoming<'_>,
        body: Map<String, Value>,
        key: Option<IdempotencyKey>,
    ) {
        let name = event.name.as_ref();
        let taken = match name {
            from_client::READ => incoming::read(body).map(|at| self.read(call.clone(), at, key)),
            from_client::DELIVERED => incoming::read(body).map(|at| self.delivered(call, at)),
            from_client::SYNC => self.sync(call.clone(), body),
            from_client::THREAD_OPEN => incoming::read(body).map(|OneThread { thread_id }| {
                // Whether it is theirs to see is asked for every entry: an open thread grants nothing.
                call.device.open(thread_id);
                call.succeed(&Nothing {});
            }),
            from_client::THREAD_CLOSE => incoming::read(body).map(|OneThread { thread_id }| {
                call.device.close(thread_id);
                call.succeed(&Nothing {});
            }),
            from_client::TYPING => {
                incoming::read(body).map(|typing| self.typing(call.clone(), typing))
            }
            from_client::PRESENCE => self.presence(call.clone(), body),
            _ => incoming::action(name, body).map(|action| self.act(call.clone(), action, key)),
        };
        if let Err(refusal) = taken {
            call.refuse(&refusal);
        }
    }

    /// Hands an action to the ledger. It takes its place in the queue the first time that it is polled, which is here,
    /// so that one device's actions keep their order; nobody waits for the one before to be answered.
    fn act(&self, call: Call, action: Action, idempotency: Option<IdempotencyKey>) {
        if let Err(too_often) = self.app.take(&*call.device, Doing::action(&action)) {
            return call.slow_down(too_often.retry_after_ms);
        }
        let command = Command {
            actor: call.device.user_id.clone(),
            action,
            idempotency,
            request_id: call.request_id.clone(),
        };
        let ledger = self.app.ledger.clone();
        let span = tracing::debug_span!("event", request_id = call.request_id);
        let work = async move {
            let watch = Watch::start(&command);
            let done = ledger.submit(command).await;
            watch.finish(&done);
            done
        };
        let mut work = Box::pin(work.instrument(span));
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => call.finish(done),
            Poll::Pending => {
                tokio::spawn(async move { call.finish(work.await) });
            }
        }
    }

    fn read(&self, call: Call, at: Position, key: Option<IdempotencyKey>) {
        if key.is_some() {
            return self.act(call, convert::mark_read(at.thread_id, at.seq), key);
        }
        match self
            .positions
            .read(&call.device.user_id, at.thread_id, at.seq)
        {
            Ok(written) => {
                tokio::spawn(async move {
                    call.finish(written.await.unwrap_or(Err(LedgerError::Closing)));
                });
            }
            Err(TooMany) => call.slow_down(RATE_RETRY_MS),
        }
    }

    fn delivered(&self, call: &Call, at: Position) {
        if !call.device.may_tell_delivered() {
            return call.slow_down(RATE_RETRY_MS);
        }
        match self
            .positions
            .delivered(&call.device.user_id, at.thread_id, at.seq)
        {
            Ok(()) => call.succeed(&Nothing {}),
            Err(TooMany) => call.slow_down(RATE_RETRY_MS),
        }
    }

    fn sync(self: &Arc<Self>, call: Call, body: Map<String, Value>) -> Result<(), Refusal> {
        let incarnation = self.app.ledger.incarnation();
        let request = incoming::read::<SyncRequest>(body)?;
        let question = convert::sync_ask(request, &incarnation)?;
        if let Err(too_often) = self.app.take(&*call.device, Doing::READ) {
            call.slow_down(too_often.retry_after_ms);
            return Ok(());
        }
        let place = match self.gate.enter() {
            Ok(place) => place,
            Err(wait) => {
                call.come_again(wait);
                return Ok(());
            }
        };
        let events = self.clone();
        tokio::spawn(async move {
            let _place = place;
            match events.missed(&call, question).await {
                Ok(view) => call.succeed(&convert::sync_result(&view, &incarnation)),
                Err(problem) => call.fail(problem),
            }
        });
        Ok(())
    }

    /// The person's own turn comes first: what waits for it must not wait in the place of others.
    async fn missed(&self, call: &Call, question: SyncAsk) -> Result<SyncView, Problem> {
        let actor = call.device.user_id.clone();
        let own_turn = self.app.turn(&actor, &call.request_id).await?;
        let _turn = self.syncs.acquire().await;
        let asked = self
            .app
            .ask_in_turn(&own_turn, &call.request_id, move |rows| {
                queries::sync(rows, &actor, &question)
            });
        asked.await
    }

    fn typing(&self, call: Call, typing: Typing) {
        if let Err(too_often) = self.app.take(&*call.device, Doing::NOTICE) {
            return call.slow_down(too_often.retry_after_ms);
        }
        if !call.device.may_notify() {
            return call.slow_down(Device::notice_interval().as_millis() as u64);
        }
        let hub = self.hub.clone();
        tokio::spawn(async move {
            match hub
                .typing(&call.device, typing.thread_id, typing.typing)
                .await
            {
                Ok(()) => call.succeed(&Nothing {}),
                Err(NotTold::Refused(refusal)) => call.refuse(&refusal),
                Err(NotTold::Failed(error)) => call.finish(Err(error)),
            }
        });
    }

    fn presence(&self, call: Call, body: Map<String, Value>) -> Result<(), Refusal> {
        let PresenceAsk { mut user_ids } = incoming::read(body)?;
        if user_ids.len() > PRESENCE_USERS_MAX {
            let detail = format!("at most {PRESENCE_USERS_MAX} people");
            return Err(Refusal::invalid("/user_ids", detail));
        }
        user_ids.sort_unstable();
        user_ids.dedup();
        if !call.device.may_notify() {
            call.slow_down(Device::notice_interval().as_millis() as u64);
            return Ok(());
        }
        let hub = self.hub.clone();
        tokio::spawn(async move {
            match hub.presence(&call.device, user_ids).await {
                Ok(presence) => call.succeed(&PresenceList { presence }),
                Err(error) => call.finish(Err(error)),
            }
        });
        Ok(())
    }
}
