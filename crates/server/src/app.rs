//! What every surface of the server shares: the ledger, the tokens, the clock.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use semel_core::{
    Command, Reply, Rows, Stop,
    actions::{self, Action, Outcome, sign_in::SignedIn},
    ports::{self, Clock, Entropy, Ledger, LedgerError},
    row::Standing,
};
use semel_protocol::{Code, Problem, UserId};
use tokio::sync::Notify;

use crate::{
    address::ClientAddress,
    auth::{Caller, KnownPeople, Revoked, TokenError, Tokens},
    bus::Bus,
    convert,
    limits::{Doer, Doing, RateLimits, TooOften},
    sign_in::{self, SignIn},
    telemetry,
    turns::{Most, TooMany, Turn, Turns},
};

/// Between two looks for keys that are not known, in milliseconds.
const KEYS_LOOK_MS: i64 = 5_000;
/// Questions of one person: a few at a time; with those that wait, all requests of a few busy devices.
const QUESTIONS: Most = Most {
    under_way: 4,
    asked: 256,
};
/// Uploads of one person: one is read at a time, so that nobody has all readers. Those that wait have their bytes in memory.
const UPLOADS: Most = Most {
    under_way: 1,
    asked: 8,
};

/// What every surface of the server shares.
pub struct App {
    /// The store. Commands go through [`App::submit`], which also counts and logs them.
    pub ledger: Arc<dyn Ledger>,
    /// Access tokens.
    pub tokens: Tokens,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Sessions that were ended lately.
    pub revoked: Revoked,
    /// Rung when somebody is to be erased.
    pub erasing: Notify,
    /// Rung when a profile changed.
    pub telling: Notify,
    people: KnownPeople,
    sign_in: OnceLock<SignIn>,
    keys_looked_at: AtomicI64,
    turns: Arc<Turns>,
    pub(crate) uploads: Arc<Turns>,
    is_stopping: AtomicBool,
    outside_pictures: AtomicBool,
    bus: OnceLock<Arc<dyn Bus>>,
    limits: OnceLock<Arc<RateLimits>>,
}

impl App {
    /// A server over a ledger.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        tokens: Tokens,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            tokens,
            clock,
            entropy,
            revoked: Revoked::default(),
            erasing: Notify::new(),
            telling: Notify::new(),
            people: KnownPeople::default(),
            sign_in: OnceLock::new(),
            keys_looked_at: AtomicI64::new(0),
            turns: Turns::new(QUESTIONS),
            uploads: Turns::new(UPLOADS),
            is_stopping: AtomicBool::new(false),
            outside_pictures: AtomicBool::new(false),
            bus: OnceLock::new(),
            limits: OnceLock::new(),
        })
    }

    /// From now on `/health` tells how the way to other servers is. Said once.
    pub fn tell_of_bus(&self, bus: Arc<dyn Bus>) {
        self.bus.get_or_init(|| bus);
    }

    /// From now on people may do things only so often. Said once.
    pub fn limit(&self, limits: Arc<RateLimits>) {
        self.limits.get_or_init(|| limits);
    }

    /// From now on operators may give people pictures that other servers keep.
    pub fn let_outside_pictures(&self) {
        self.outside_pictures.store(true, Ordering::Relaxed);
    }

    pub(crate) fn lets_outside_pictures(&self) -> bool {
        self.outside_pictures.load(Ordering::Relaxed)
    }

    /// Somebody does something, if they may.
    pub fn take<'a>(&self, doer: impl Into<Doer<'a>>, doing: Doing) -> Result<(), TooOften> {
        self.limited(|limits| limits.take(doer.into(), doing))
    }

    /// Nothing is too often where there are no limits.
    fn limited(
        &self,
        take: impl FnOnce(&RateLimits) -> Result<(), TooOften>,
    ) -> Result<(), TooOften> {
        self.limits.get().map_or(Ok(()), |limits| take(limits))
    }

    /// Somebody asks something without a token, if they may.
    pub fn take_read(&self, address: ClientAddress) -> Result<(), TooOften> {
        self.limited(|limits| limits.take_read(address))
    }

    /// Somebody signs in or out, or asks for tokens again, if they may.
    pub fn take_sign_in(&self, address: ClientAddress) -> Result<(), TooOften> {
        self.limited(|limits| limits.take_sign_in(address))
    }

    /// Somebody begins a connection, if they may.
    pub fn take_handshake(&self, address: ClientAddress) -> Result<(), TooOften> {
        self.limited(|limits| limits.take_handshake(address))
    }

    /// From now on people may sign in like this. Said once; without it, nobody signs in here.
    pub fn let_sign_in(&self, sign_in: SignIn) {
        self.sign_in.get_or_init(|| sign_in);
    }

    /// How people may sign in.
    pub(crate) fn sign_in(&self) -> &SignIn {
        self.sign_in.get_or_init(SignIn::default)
    }

    /// Whether other servers can be reached; none when there is no way to any.
    pub fn reaches_others(&self) -> Option<bool> {
        self.bus.get().and_then(|bus| bus.is_connected())
    }

    /// A fresh id under which the log tells about a request: 32 hexadecimal digits.
    pub fn request_id(&self) -> String {
        format!("{:032x}", self.entropy.seed())
    }

    /// Reads a token and makes its person if this is the first time that they come.
    pub async fn admit(
        self: &Arc<Self>,
        token: Option<&str>,
        request_id: &str,
    ) -> Result<Caller, Problem> {
        let verify = || {
            let caller = self.tokens.verify(token.ok_or(TokenError::Missing)?)?;
            match caller.session_id {
                Some(id) if self.revoked.has(id) => Err(TokenError::Revoked),
                _ => Ok(caller),
            }
        };
        let mut verified = verify();
        if verified == Err(TokenError::UnknownKey) && self.look_for_keys().await {
            verified = verify();
        }
        let caller = verified.map_err(|error| error.problem(request_id))?;
        if !self.people.has(&caller.user_id) {
            self.make_person(&caller, request_id).await?;
        }
        Ok(caller)
    }

    /// A key that nobody knows may be new. Not looked for again and again: tokens are easily made up.
    async fn look_for_keys(self: &Arc<Self>) -> bool {
        let now = self.clock.now().0;
        let looked_at = self.keys_looked_at.load(Ordering::Relaxed);
        let is_due = now - looked_at >= KEYS_LOOK_MS || now < looked_at;
        let is_ours = is_due
            && self
                .keys_looked_at
                .compare_exchange(looked_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_ours {
            sign_in::look_for_keys(self).await;
        }
        is_ours
    }

    /// Hands a command to the ledger and waits for what became of it. The command runs on when the caller goes away.
    pub async fn submit(self: &Arc<Self>, command: Command) -> Result<Reply, LedgerError> {
        let app = Arc::clone(self);
        let work = async move {
            let watch = telemetry::Watch::start(&command);
            let actor = command.actor.clone();
            let reply = app.ledger.submit(command).await;
            watch.finish(&reply);
            app.note_ended(&actor, &reply);
            reply
        };
        let work = tracing::Instrument::in_current_span(work);
        match tokio::spawn(work).await {
            Ok(reply) => reply,
            Err(error) => Err(LedgerError::Internal(format!(
                "a command's task ended: {error}"
            ))),
        }
    }

    /// Sessions that a command ended, and people whom it suspended, count no more here from now on; other servers are told, or find out.
    fn note_ended(&self, actor: &UserId, reply: &Result<Reply, LedgerError>) {
        let Ok(Reply {
            result: Some(Ok(outcome)),
            ..
        }) = reply
        else {
            return;
        };
        let out = match outcome {
            Outcome::Standing {
                user_id,
                standing: Standing::Suspended(_),
            } => Some((user_id, Code::Suspended)),
            Outcome::Resolved { suspended, .. } => {
                suspended.as_ref().map(|who| (who, Code::Suspended))
            }
            Outcome::Erased { user_id, ended, .. } => {
                self.revoked.add(user_id, ended);
                self.erasing.notify_one();
                self.telling.notify_one();
                Some((user_id, Code::Erased))
            }
            // Of those who are as they were nothing is found.
            Outcome::User { created: false, .. } => {
                self.telling.notify_one();
                None
            }
            _ => None,
        };
        if let Some((who, code)) = out {
            self.shut_out(who);
            self.revoked.shut_out(who, code);
        }
        let Outcome::SignedIn(signed_in) = outcome else {
            return;
        };
        match signed_in {
            SignedIn::Revoked(ids) => self.revoked.add(actor, ids),
            SignedIn::Session { row, ended, .. } => self.revoked.add(&row.user_id, ended),
            SignedIn::Reused { id, user_id } => self.revoked.add(user_id, &[*id]),
            _ => {}
        }
    }

    /// Somebody is suspended: the store is asked, and says so, when they come the next time.
    pub(crate) fn shut_out(&self, who: &UserId) {
        self.people.forget(who);
    }

    /// Asks the ledger for somebody, whose questions wait for each other.
    pub async fn ask<T: Send + 'static>(
        &self,
        who: &UserId,
        request_id: &str,
        question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.turn(who, request_id).await?;
        self.ask_in_turn(&turn, request_id, question).await
    }

    /// Waits for somebody's turn at asking.
    pub(crate) async fn turn(&self, who: &UserId, request_id: &str) -> Result<Turn, Problem> {
        let turn = self.turns.take(who).await;
        turn.map_err(|TooMany| convert::from_ledger(&LedgerError::Overloaded, request_id))
    }

    /// Asks the ledger.
    pub(crate) async fn ask_in_turn<T: Send + 'static>(
        &self,
        _: &Turn,
        request_id: &str,
        question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Problem> {
        match ports::ask(self.ledger.as_ref(), question).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(refusal)) => Err(convert::from_refusal(&refusal, request_id)),
            Err(error) => {
                telemetry::question_failed(&error);
                Err(convert::from_ledger(&error, request_id))
            }
        }
    }

    /// From now on the server says that it is not ready, so that load balancers send nobody any more. It serves on.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it takes requests now.
    pub fn readiness(&self) -> Readiness {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Readiness::Draining;
        }
        match self.ledger.health() {
            Err(reason) => Readiness::NoDatabase(reason),
            Ok(()) if self.reaches_others() == Some(false) => Readiness::NoRedis,
            Ok(()) => Readiness::Ready,
        }
    }

    async fn make_person(
        self: &Arc<Self>,
        caller: &Caller,
        request_id: &str,
    ) -> Result<(), Problem> {
        let command = Command {
            actor: caller.user_id.clone(),
            action: first_visit(&caller.user_id, caller.name.clone()),
            idempotency: None,
            request_id: request_id.to_owned(),
        };
        let reply = self.submit(command).await;
        let result = reply
            .map_err(|error| convert::from_ledger(&error, request_id))?
            .result;
        if let Some(Err(refusal)) = result {
            return Err(convert::from_refusal(&refusal, request_id));
        }
        self.people.add(caller.user_id.clone());
        Ok(())
    }
}

/// Whether a server takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// It does, and everything arrives, later than usual: other servers' news come from the store.
    NoRedis,
    /// It does for a while, but wants nobody new: it stops.
    Draining,
    /// It does not, because the store does not; why, in a few words without names or content.
    NoDatabase(String),
}

impl Readiness {
    /// Whether somebody new should come.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready | Self::NoRedis)
    }
}

fn first_visit(who: &UserId, display_name: Option<String>) -> Action {
    actions::UpsertUser {
        user_id: who.clone(),
        display_name,
        about: None,
        picture: None,
        only_if_absent: true,
        outside_picture: false,
    }
    .into()
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}
