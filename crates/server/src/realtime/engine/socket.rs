//! One session: what waits for its client, and how far it is.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{
    Engine, Handler, Reason, Sid, Transport,
    clock::{Due, Times},
    outbox::Outbox,
    payload,
};
use crate::{address::ClientAddress, hub::Full, realtime::packet::Frame};

/// A session.
pub(crate) struct Socket<H: Handler> {
    pub(super) engine: Arc<Engine<H>>,
    /// Its name.
    pub(crate) sid: Sid,
    /// Whence its client comes, where that is known.
    pub(crate) address: Option<ClientAddress>,
    /// What is above Engine.IO keeps here what it likes.
    pub(crate) data: H::Data,
    state: Mutex<State>,
}

struct State {
    waiting: Outbox,
    /// Of whoever takes what waits.
    taker: Option<Waker>,
    transport: Transport,
    phase: Phase,
    has_poll: bool,
    times: Times,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Ended; what waits still goes out.
    Closing,
    Over,
}

/// What a WebSocket does next.
pub(super) enum Next {
    Send(Frame),
    /// The taker is woken when there is something to do.
    Wait,
    /// Everything was sent.
    Close,
    /// Drop everything.
    Cut,
}

/// Why a poll cannot wait.
pub(super) enum NoTurn {
    Over,
    /// Another one does.
    Taken,
}

/// The only poll of a session.
pub(super) struct Turn<'a, H: Handler>(&'a Socket<H>);

impl State {
    fn wake(&mut self) {
        if let Some(taker) = self.taker.take() {
            taker.wake();
        }
    }

    fn watch(&mut self, waker: &Waker) {
        match &mut self.taker {
            Some(taker) => taker.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
}

impl<H: Handler> Socket<H> {
    /// It was counted as one without a device.
    pub(super) fn new(
        engine: Arc<Engine<H>>,
        sid: Sid,
        transport: Transport,
        address: Option<ClientAddress>,
    ) -> Self {
        let state = State {
            waiting: Outbox::default(),
            taker: None,
            transport,
            phase: Phase::Open,
            has_poll: false,
            times: Times::begin(engine.now()),
        };
        Self {
            engine,
            sid,
            address,
            data: H::Data::default(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a packet for the client. A session that has ended takes everything and keeps nothing.
    pub(crate) fn push(&self, frame: Frame) -> Result<(), Full> {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Ok(());
        }
        state.waiting.push(frame)?;
        state.wake();
        Ok(())
    }

    /// Sends what waits, then ends the transport.
    pub(crate) fn close(self: &Arc<Self>, reason: Reason) {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return;
        }
        state.phase = Phase::Closing;
        state.times.closing_since = Some(self.engine.now());
        // Nobody will come for it: a poll that comes is told that the session is unknown.
        let is_all =
            state.waiting.is_empty() && !state.has_poll && state.transport != Transport::WebSocket;
        state.wake();
        drop(state);
        self.ended(reason);
        if is_all {
            self.finish();
        }
    }

    /// Ends the transport now and drops what waits.
    pub(crate) fn cut(self: &Arc<Self>, reason: Reason) {
        if self.is_open() {
            self.close(reason);
        }
        self.finish();
    }

    /// Nothing goes out any more.
    pub(super) fn finish(&self) {
        let mut state = self.state();
        state.phase = Phase::Over;
        state.waiting = Outbox::default();
        state.wake();
        drop(state);
        self.engine.sockets().remove(&self.sid);
    }

    fn ended(self: &Arc<Self>, reason: Reason) {
        self.settle();
        let socket = self.clone();
        // Who ends a session may hold what the handler wants.
        self.engine
            .runtime
            .spawn(async move { socket.engine.handler.ended(&socket, reason) });
    }

    /// It has a device, or no time any more to get one.
    pub(crate) fn settle(&self) {
        if self.state().times.outside_since.take().is_some() {
            self.engine.outside.leave(self.address);
        }
    }

    /// Its device has left.
    pub(crate) fn unsettle(&self) {
        let mut state = self.state();
        if state.phase == Phase::Open && state.times.outside_since.is_none() {
            state.times.outside_since = Some(self.engine.now());
            self.engine.outside.return_to(self.address);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().phase == Phase::Open
    }

    pub(super) fn is_websocket(&self) -> bool {
        self.state().transport == Transport::WebSocket
    }

    /// The client is there.
    pub(super) fn beat(&self) {
        self.state().times.awaits_pong = false;
    }

    /// A second has passed.
    pub(super) fn tick(&self, now: u32) -> Option<Due> {
        let mut state = self.state();
        if state.phase == Phase::Over {
            return None;
        }
        if state.times.is_ping_due(now) {
            state
                .waiting
                .push_control(Frame::from_static(payload::PING));
            state.wake();
        }
        state.times.due(now)
    }

    /// What the WebSocket does next.
    pub(super) fn next(&self, waker: &Waker) -> Next {
        let mut state = self.state();
        match (state.phase, state.waiting.pop()) {
            (Phase::Over, _) => Next::Cut,
            (_, Some(frame)) => Next::Send(frame),
            (Phase::Closing, None) => Next::Close,
            (Phase::Open, None) => {
                state.watch(waker);
                Next::Wait
            }
        }
    }

    /// The WebSocket takes nothing now. Whether it shall go on trying.
    pub(super) fn stall(&self, waker: &Waker, has_progress: bool) -> bool {
        let mut state = self.state();
        state.watch(waker);
        if has_progress || state.times.stalled_since.is_none() {
            state.times.stalled_since = Some(self.engine.now());
        }
        state.phase != Phase::Over
    }

    /// The WebSocket took everything.
    pub(super) fn flow(&self) {
        self.state().times.stalled_since = None;
    }

    /// A WebSocket works. Whether it may take over.
    pub(super) fn begin_upgrade(&self) -> bool {
        let mut state = self.state();
        let may = state.phase == Phase::Open && state.transport == Transport::Polling;
        if may {
            state.transport = Transport::Upgrading;
            state.wake();
        }
        may
    }

    /// The WebSocket takes over, or has failed. Whether the session lives.
    pub(super) fn end_upgrade(&self, transport: Transport) -> bool {
        let mut state = self.state();
        let lives = state.phase == Phase::Open;
        if lives {
            state.transport = transport;
            state.wake();
        }
        lives
    }

    pub(super) fn begin_poll(&self) -> Result<Turn<'_, H>, NoTurn> {
        let mut state = self.state();
        if state.phase == Phase::Over || state.transport == Transport::WebSocket {
            return Err(NoTurn::Over);
        }
        if std::mem::replace(&mut state.has_poll, true) {
            return Err(NoTurn::Taken);
        }
        Ok(Turn(self))
    }
}

impl<H: Handler> Turn<'_, H> {
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<String> {
        let mut state = self.0.state();
        // What waits belongs to a WebSocket that took over.
        let payload = match state.transport {
            Transport::WebSocket => String::new(),
            _ => state.waiting.pop_payload(),
        };
        let is_last = state.phase == Phase::Closing && state.waiting.is_empty();
        let is_polling = state.phase == Phase::Open && state.transport == Transport::Polling;
        if payload.is_empty() && is_polling {
            state.watch(cx.waker());
            return Poll::Pending;
        }
        drop(state);
        if is_last {
            self.0.finish();
        }
        Poll::Ready(if payload.is_empty() {
            payload::NOOP.to_owned()
        } else {
            payload
        })
    }
}

impl<H: Handler> Drop for Turn<'_, H> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.has_poll = false;
    }
}
