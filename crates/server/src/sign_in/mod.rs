//! People sign in: by codes, by providers, and stay signed in.
//!
//! Invariant: what changes state is an action of core; what goes outside is an effect of one, done here by a worker.
//! Invariant: codes and tokens are in no log and in no stored answer.

pub(crate) mod codes;
mod egress;
mod jobs;
mod outbox;
pub(crate) mod phone;
pub(crate) mod provider;
mod senders;
pub(crate) mod sessions;
mod settings;

use std::sync::Arc;

use semel_core::{
    Command, Refusal,
    actions::{
        Action, Outcome,
        sign_in::{ClaimOperator, SignedIn},
    },
    queries,
};
use semel_protocol::{Code, Problem, UserId};
use tokio::sync::Notify;

pub use self::{
    egress::Egress,
    jobs::{begin, has_another_secret, run},
    provider::Provider,
    settings::{Email, EmailSender, Phone, PhoneSender, ProviderSettings, Settings, WebhookSecret},
};
use crate::{app::App, convert};

/// Everything around signing in that a server has.
#[derive(Debug, Default)]
pub struct SignIn {
    /// The settings.
    pub settings: Settings,
    /// The providers.
    pub providers: Vec<Provider>,
    /// The one way out.
    pub egress: Egress,
    /// Rung when something is to be done outside.
    pub(crate) outbox: Notify,
}

impl SignIn {
    /// By settings.
    pub fn new(settings: Settings) -> Self {
        let providers = settings.providers.iter().cloned();
        Self {
            providers: providers.map(Provider::new).collect(),
            settings,
            egress: Egress::default(),
            outbox: Notify::new(),
        }
    }

    /// A provider by its name.
    pub(crate) fn provider(&self, name: &str) -> Result<&Provider, Refusal> {
        let mut all = self.providers.iter();
        all.find(|provider| provider.settings.name == name)
            .ok_or_else(Refusal::not_found)
    }
}

/// Keys that were not known a moment ago may be there now.
pub(crate) async fn look_for_keys(app: &Arc<App>) {
    if jobs::keys(app).await.is_err() {
        tracing::warn!("signing keys were not looked at");
    }
    jobs::host_keys(app).await;
}

/// Makes somebody who has the one link of a fresh server its operator.
pub(crate) async fn claim_operator(
    app: &Arc<App>,
    who: &codes::Linking,
    token: &str,
    from: &codes::From<'_>,
) -> Result<(), Problem> {
    let incarnation = app.ledger.incarnation();
    if !app.tokens.secrets().is_operator_token(&incarnation, token) {
        let detail = "this is not the link that this server printed";
        return Err(Problem::new(Code::SignInFailed, detail, from.request_id));
    }
    act(app, Some(&who.user_id), ClaimOperator, from.request_id).await?;
    tracing::info!(user_id = %who.user_id, "an operator has taken this server");
    Ok(())
}

/// What is behind the one link that makes an operator, as long as nobody has used it.
pub async fn operator_token(app: &Arc<App>) -> Option<String> {
    let (who, request_id) = (stranger(), app.request_id());
    let used = app.ask(&who, &request_id, queries::sign_in::has_operator);
    let is_used = used.await.unwrap_or(true);
    let secrets = app.tokens.secrets();
    (!is_used).then(|| secrets.operator_token(&app.ledger.incarnation()))
}

/// Nobody in particular: whoever signs in is not known before.
fn stranger() -> UserId {
    UserId::of_server()
}

/// Does something of signing in for somebody, or for nobody who is known yet.
async fn act(
    app: &Arc<App>,
    actor: Option<&UserId>,
    action: impl Into<Action>,
    request_id: &str,
) -> Result<SignedIn, Problem> {
    let command = Command {
        actor: actor.cloned().unwrap_or_else(stranger),
        action: action.into(),
        idempotency: None,
        request_id: request_id.to_owned(),
    };
    let reply = app.submit(command).await;
    match reply
        .map_err(|error| convert::from_ledger(&error, request_id))?
        .result
    {
        Some(Ok(Outcome::SignedIn(signed_in))) => Ok(signed_in),
        Some(Err(refusal)) => Err(problem(&refusal, request_id)),
        other => {
            tracing::error!(?other, "an action of signing in brought something else");
            Err(Problem::new(
                Code::Internal,
                "something went wrong inside",
                request_id,
            ))
        }
    }
}

/// A refusal.
pub(crate) fn problem(refusal: &Refusal, request_id: &str) -> Problem {
    convert::from_refusal(refusal, request_id)
}
