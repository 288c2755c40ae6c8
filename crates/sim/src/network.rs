//! The network between devices and the server: it is slow, it breaks at any moment, and it repeats what was sent.
//!
//! Invariant: within a connection packets arrive in order and whole, as over TCP; between connections nothing is promised.

mod carrier;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use carrier::Carrier;
use semel_client::{
    ApiError, ConnectError, Incoming, Link, Network, Payload, TransportError,
    codec::{self, Packet},
};
use semel_protocol::{
    Code, DeviceId, Problem, ThreadId, UserId, entry::EntryPage, limits, message::MessagePage,
    sync::Cursor,
};
use semel_server::{http::Call, realtime::Line};
use serde::de::DeserializeOwned;
use serde_json::{json, value::RawValue};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::{
    dice::Dice,
    faults::{Fault, Tally},
    journal::Journal,
    life::{Flag, Life},
    server::Server,
};

/// A packet is on its way for up to this.
const LATENCY_MAX: Duration = Duration::from_millis(40);
/// How long a device tries to connect.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a caller waits for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// After this silence a device takes its connection for dead: the server's ping interval and patience.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// What is repeated comes within this time.
const REPLAY_MAX: Duration = Duration::from_secs(20);
/// How often it is looked whether something may be repeated.
const REPLAY_LOOK: Duration = Duration::from_millis(500);

/// How often, of a thousand, things go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// With a packet to the server or to a device.
    pub(crate) cut: u32,
    /// With a connection.
    pub(crate) stall: u32,
    /// With a request over HTTP.
    pub(crate) request: u32,
    /// With a packet or request that changes something.
    pub(crate) replay: u32,
}

/// Told when something that a person sent comes to the server once more.
pub(crate) trait Replays: Send + Sync {
    /// Just before it comes: a packet of this person. None: ask again later. False: it does not come.
    fn packet(&self, who: &UserId, text: &str) -> Option<bool>;
}

/// The network, with the server at its end.
pub(crate) struct Net {
    state: Mutex<State>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) journal: Arc<Journal>,
    replays: Mutex<Option<Arc<dyn Replays>>>,
}

struct State {
    server: Option<Arc<Server>>,
    rates: Rates,
    /// Devices that cannot connect, and until when.
    away: BTreeMap<String, Instant>,
    /// Lines by number, with their people.
    lines: BTreeMap<u64, (UserId, Weak<Line>)>,
    last_line: u64,
    /// Packets that come once more.
    waiting: u64,
    dice: Dice,
}

impl Net {
    pub(crate) fn new(
        dice: Dice,
        rates: Rates,
        tally: Arc<Tally>,
        journal: Arc<Journal>,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                server: None,
                rates,
                away: BTreeMap::new(),
                lines: BTreeMap::new(),
                last_line: 0,
                waiting: 0,
                dice,
            }),
            tally,
            journal,
            replays: Mutex::new(None),
        })
    }

    pub(crate) fn tell_replays(&self, replays: Arc<dyn Replays>) {
        *self.replays.lock().unwrap_or_else(PoisonError::into_inner) = Some(replays);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn server(&self) -> Option<Arc<Server>> {
        self.state().server.clone()
    }

    /// Another server, or none, is at the end of the network.
    pub(crate) fn set_server(&self, server: Option<Arc<Server>>) -> Option<Arc<Server>> {
        std::mem::replace(&mut self.state().server, server)
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.rates = Rates::default();
        state.away.clear();
    }

    /// A device cannot connect for a while.
    pub(crate) fn keep_away(&self, device: &str, time: Duration) {
        let until = Instant::now() + time;
        self.state().away.insert(device.to_owned(), until);
    }

    /// Packets that come once more.
    pub(crate) fn waiting(&self) -> u64 {
        self.state().waiting
    }

    fn delay(&self) -> Duration {
        self.state().dice.time(LATENCY_MAX)
    }

    fn happens(&self, rate: impl FnOnce(&Rates) -> u32) -> bool {
        let mut state = self.state();
        let rate = rate(&state.rates);
        state.dice.chance(rate)
    }

    fn roll_time(&self, longest: Duration) -> Duration {
        self.state().dice.time(longest)
    }

    /// A request and its answer; none when the caller has no answer in time.
    pub(crate) async fn request(self: &Arc<Self>, call: Call) -> Option<(u16, Vec<u8>)> {
        let asked = self.clone().request_once(call);
        timeout(ANSWER_MAX, asked).await.ok().flatten()
    }

    async fn request_once(self: Arc<Self>, call: Call) -> Option<(u16, Vec<u8>)> {
        sleep(self.delay()).await;
        if self.happens(|rates| rates.request) {
            self.tally.count(Fault::RequestLost);
            sleep(self.roll_time(ANSWER_MAX)).await;
            return None;
        }
        let server = self.server()?;
        self.journal.note(format_args!(
            "http: {} {} {:?}",
            call.method, call.path, call.body
        ));
        let (life, http) = (server.life.clone(), server.http.clone());
        drop(server);
        // It runs on when the caller gives up.
        let work = tokio::spawn(async move { http.call(call).await });
        let answer = tokio::select! {
            biased;
            () = life.over() => None,
            answer = work => answer.ok(),
        };
        let is_lost = self.happens(|rates| rates.request);
        sleep(self.delay()).await;
        if is_lost {
            self.tally.count(Fault::AnswerLost);
            sleep(self.roll_time(ANSWER_MAX)).await;
            return None;
        }
        if let Some((status, body)) = &answer {
            let body = String::from_utf8_lossy(body);
            self.journal.note(format_args!("http: {status} {body}"));
        }
        answer
    }

    /// Whether a request that changes something comes once more later, and when.
    pub(crate) fn replay_after(&self) -> Option<Duration> {
        let is_repeated = self.happens(|rates| rates.replay);
        is_repeated.then(|| self.roll_time(REPLAY_MAX))
    }

    /// A packet of the person comes to the server once more, perhaps over another connection of theirs.
    fn replay(self: &Arc<Self>, who: &UserId, text: &str) {
        let Some(text) = without_number(text) else {
            return;
        };
        let Some(time) = self.replay_after() else {
            return;
        };
        let (net, who) = (self.clone(), who.clone());
        self.state().waiting += 1;
        tokio::spawn(async move {
            sleep(time).await;
            if net.may_replay(&who, &text).await
                && let Some(line) = net.a_line_of(&who)
            {
                net.tally.count(Fault::Replay);
                net.journal.note(format_args!("replay: {who} {text}"));
                line.take(&text);
            }
            net.state().waiting -= 1;
        });
    }

    fn replays(&self) -> Option<Arc<dyn Replays>> {
        self.replays
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn may_replay(&self, who: &UserId, text: &str) -> bool {
        loop {
            let replays = self.replays();
            let verdict = replays.map_or(Some(false), |replays| replays.packet(who, text));
            match verdict {
                Some(may) => return may,
                None => sleep(REPLAY_LOOK).await,
            }
        }
    }

    /// A connection of somebody's, as the server sees it.
    fn a_line_of(&self, who: &UserId) -> Option<Arc<Line>> {
        let mut state = self.state();
        let lines: Vec<Arc<Line>> = state
            .lines
            .values()
            .filter(|(owner, _)| owner == who)
            .filter_map(|(_, line)| line.upgrade())
            .collect();
        state.dice.pick(&lines).cloned()
    }
}

/// An event that sends messages, without its number: nobody waits for the answer.
fn without_number(text: &str) -> Option<String> {
    let rest = text.strip_prefix("42")?;
    let json = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    json.starts_with(r#"["message:send","#)
        .then(|| format!("42{json}"))
}

/// One device's way into the network.
pub(crate) struct DeviceNetwork {
    pub(crate) net: Arc<Net>,
    pub(crate) who: UserId,
    pub(crate) device: String,
}

fn unreachable() -> ConnectError {
    ConnectError::Unreachable(io::ErrorKind::ConnectionRefused.into())
}

impl DeviceNetwork {
    async fn open(&self, token: &str, device_id: &DeviceId) -> Result<Box<dyn Link>, ConnectError> {
        let net = &self.net;
        sleep(net.delay()).await;
        let away = net.state().away.get(&self.device).copied();
        if away.is_some_and(|until| Instant::now() < until) {
            return Err(unreachable());
        }
        let server = net.server().ok_or_else(unreachable)?;
        let line = server.realtime.open_line().ok_or_else(unreachable)?;
        let of_server = server.life.clone();
        drop(server);
        let line = Arc::new(line);
        let number = {
            let mut state = net.state();
            state.last_line += 1;
            let number = state.last_line;
            state.lines.retain(|_, (_, line)| line.strong_count() > 0);
            state
                .lines
                .insert(number, (self.who.clone(), Arc::downgrade(&line)));
            number
        };
        net.journal
            .note(format_args!("line {number}: {} connects", self.device));
        let mut end = self.carry(line, of_server, number);
        let auth = json!({ "token": token, "device_id": device_id });
        end.send(codec::connect(&auth).map_err(TransportError::Encode)?);
        loop {
            let frame = end.receive().await?;
            match codec::decode(&frame).map_err(TransportError::Protocol)? {
                Packet::Open(_) => {}
                Packet::Ping(probe) => end.send(codec::pong(probe)),
                Packet::Connect => return Ok(Box::new(end)),
                Packet::ConnectError(json) => return Err(refused(json)),
                _ => return Err(TransportError::Protocol(codec::UnknownPacket).into()),
            }
        }
    }

    /// Lets two tasks carry packets, one each way.
    fn carry(&self, line: Arc<Line>, of_server: Life, number: u64) -> SimLink {
        let (up, to_server) = mpsc::unbounded_channel();
        let (to_device, down) = mpsc::unbounded_channel();
        let carrier = Carrier {
            net: self.net.clone(),
            who: self.who.clone(),
            number,
            line,
            life: of_server,
            cut: Flag::default(),
        };
        tokio::spawn(carrier.clone().carry_up(to_server));
        tokio::spawn(carrier.clone().carry_down(to_device));
        SimLink {
            up: Some(up),
            down,
            queued: Vec::new(),
            last_number: 0,
            cut: carrier.cut,
        }
    }
}

fn refused(json: &str) -> ConnectError {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let message = value["message"].as_str().unwrap_or_default().to_owned();
    let code = Code::ALL.iter().copied().find(|it| it.as_str() == message);
    ConnectError::Refused {
        code,
        message,
        retry_after_ms: value["data"]["retry_after_ms"].as_u64(),
    }
}

/// A device's end of a connection.
struct SimLink {
    up: Option<mpsc::UnboundedSender<String>>,
    down: mpsc::UnboundedReceiver<String>,
    queued: Vec<String>,
    last_number: u64,
    cut: Flag,
}

impl SimLink {
    fn send(&mut self, text: String) {
        if let Some(up) = &self.up {
            // A connection that has broken says so when it is read.
            let _ = up.send(text);
        }
    }

    async fn receive(&mut self) -> Result<String, TransportError> {
        match timeout(SILENCE_MAX, self.down.recv()).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => Err(TransportError::Closed),
            Err(_) => Err(TransportError::Silent),
        }
    }
}

#[async_trait]
impl Link for SimLink {
    async fn feed(&mut self, name: &str, argument: &RawValue) -> Result<u64, TransportError> {
        self.last_number += 1;
        let text = codec::event(self.last_number, name, &argument)?;
        self.queued.push(text);
        Ok(self.last_number)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        for text in std::mem::take(&mut self.queued) {
            self.send(text);
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Incoming, TransportError> {
        loop {
            let frame = self.receive().await?;
            match codec::decode(&frame)? {
                Packet::Ping(probe) => self.send(codec::pong(probe)),
                Packet::Event { name, arguments } => {
                    return Ok(Incoming::Event {
                        name: name.into_owned(),
                        payload: Payload::from(frame[arguments].to_owned()),
                    });
                }
                Packet::Ack { id, arguments } => {
                    return Ok(Incoming::Ack {
                        id,
                        payload: Payload::from(frame[arguments].to_owned()),
                    });
                }
                Packet::Close | Packet::Disconnect => return Err(TransportError::Closed),
                _ => {}
            }
        }
    }

    async fn close(mut self: Box<Self>) {
        self.send(codec::disconnect().to_owned());
        self.up = None;
    }
}

impl Drop for SimLink {
    fn drop(&mut self) {
        // Without a goodbye, unless it was said: then the server has it first.
        if self.up.is_some() {
            self.cut.raise();
        }
    }
}

#[async_trait]
impl Network for DeviceNetwork {
    async fn connect(
        &self,
        token: &str,
        device_id: &DeviceId,
    ) -> Result<Box<dyn Link>, ConnectError> {
        let opened = timeout(CONNECT_MAX, self.open(token, device_id)).await;
        opened.unwrap_or(Err(ConnectError::Timeout))
    }

    async fn entries_after(
        &self,
        token: &str,
        thread_id: ThreadId,
        after: &Cursor,
    ) -> Result<EntryPage, ApiError> {
        let mut path = format!(
            "/api/chat/threads/{thread_id}/entries?after_rev={}&limit={}",
            after.rev,
            limits::PAGE_ENTRIES_MAX
        );
        if let Some(chain) = &after.chain {
            path = format!("{path}&chain={chain}");
        }
        if let Some(epoch) = after.epoch {
            path = format!("{path}&epoch={epoch}");
        }
        self.read(token, path).await
    }

    async fn newest_messages(
        &self,
        token: &str,
        thread_id: ThreadId,
    ) -> Result<MessagePage, ApiError> {
        self.read(token, format!("/api/chat/threads/{thread_id}/messages"))
            .await
    }
}

impl DeviceNetwork {
    async fn read<T: DeserializeOwned>(&self, token: &str, path: String) -> Result<T, ApiError> {
        let call = Call {
            method: "GET",
            path,
            token: token.to_owned(),
            key: None,
            body: None,
        };
        let (status, body) = self.net.request(call).await.ok_or_else(lost)?;
        data(status, &body)
    }
}

fn lost() -> ApiError {
    ApiError::Connection(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

/// The data of a success, or the problem.
pub(crate) fn data<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, ApiError> {
    #[derive(serde::Deserialize)]
    struct Success<T> {
        data: T,
    }
    if status < 400 {
        let success: Result<Success<T>, _> = serde_json::from_slice(body);
        return success.map(|success| success.data).map_err(|_| lost());
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Err(ApiError::Refused(Box::new(problem))),
        Err(_) => Err(lost()),
    }
}
