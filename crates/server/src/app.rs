//! What every surface of the server shares: the ledger, the tokens, the clock.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use semel_core::{
    Command, Reply, Rows, Stop,
    actions::{self, Action},
    ports::{self, Clock, Entropy, Ledger, LedgerError},
};
use semel_protocol::{Problem, UserId};

use crate::{
    auth::{Caller, KnownPeople, TokenError, Tokens},
    bus::Bus,
    convert, telemetry,
    turns::{TooMany, Turn, Turns},
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
    people: KnownPeople,
    turns: Arc<Turns>,
    is_stopping: AtomicBool,
    bus: OnceLock<Arc<dyn Bus>>,
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
            people: KnownPeople::default(),
            turns: Arc::default(),
            is_stopping: AtomicBool::new(false),
            bus: OnceLock::new(),
        })
    }

    /// From now on `/health` tells how the way to other servers is. Said once.
    pub fn tell_of_bus(&self, bus: Arc<dyn Bus>) {
        self.bus.get_or_init(|| bus);
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
        let verified = token
            .ok_or(TokenError::Missing)
            .and_then(|token| self.tokens.verify(token));
        let caller = verified.map_err(|error| error.problem(request_id))?;
        if !self.people.has(&caller.user_id) {
            self.make_person(&caller, request_id).await?;
        }
        Ok(caller)
    }

    /// Hands a command to the ledger and waits for what became of it. The command runs on when the caller goes away.
    pub async fn submit(self: &Arc<Self>, command: Command) -> Result<Reply, LedgerError> {
        let app = Arc::clone(self);
        let work = async move {
            let watch = telemetry::Watch::start(&command);
            let reply = app.ledger.submit(command).await;
            watch.finish(&reply);
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

    /// From now on the server says that it is not ready, so that load balancers send nobody any more.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it takes requests now; if not, why.
    pub fn readiness(&self) -> Result<(), String> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err("stopping".to_owned());
        }
        self.ledger.health()
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

fn first_visit(who: &UserId, display_name: Option<String>) -> Action {
    actions::UpsertUser {
        user_id: who.clone(),
        display_name,
        about: None,
        picture: None,
        only_if_absent: true,
    }
    .into()
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}
