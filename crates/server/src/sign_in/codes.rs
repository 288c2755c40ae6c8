//! Codes: begun, sent by the outbox, guessed.

use std::sync::Arc;

use semel_core::{
    Refusal,
    actions::sign_in::{Budget, NewSession, Purpose, SignedIn, StartChallenge, VerifyCode},
    sign_in::{EffectKind, IdentityKind},
};
use semel_protocol::{
    ChallengeId, Code, Problem, SessionId, UserId,
    limits::{
        CODE_DIGITS, CODE_MINUTES_MAX, CODES_PER_PREFIX_HOUR_MAX, CODES_PER_RECEIVER_HOUR_MAX,
        DEVICE_ID_CHARACTERS_MAX, DEVICE_NAME_CHARACTERS_MAX, GUESSES_PER_ADDRESS_HOUR_MAX,
        SIGN_INS_PER_ADDRESS_HOUR_MAX,
    },
    sign_in::{SignInKind, StartSignIn, StartSignInResult},
};
use serde::{Deserialize, Serialize};
use uuid::Builder;

use super::{act, phone, problem};
use crate::{address::ClientAddress, app::App, auth::tidy_name};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Digits of a number that many numbers have in common, with the `+`.
const PREFIX_CHARACTERS: usize = 7;
/// As what the text of an effect is sealed.
pub(super) const SEALED_AS: &str = "code to send";

/// What is sent. It is never logged.
#[derive(Serialize, Deserialize)]
pub(super) struct ToSend {
    pub(super) to: String,
    pub(super) code: String,
}

/// Who asks, from where.
#[derive(Clone, Debug)]
pub(crate) struct From<'a> {
    /// Their network address.
    pub address: Option<ClientAddress>,
    /// Under which the log has more.
    pub request_id: &'a str,
}

impl From<'_> {
    /// As what their network address counts.
    pub(super) fn address_text(&self) -> String {
        self.address
            .map_or_else(|| "somewhere".to_owned(), |address| address.to_string())
    }
}

/// Somebody who wants to link something to themselves.
#[derive(Clone, Debug)]
pub(crate) struct Linking {
    /// Who.
    pub user_id: UserId,
    /// Their sign-in, which must be fresh.
    pub session_id: SessionId,
}

/// Begins a sign-in with a code.
pub(crate) async fn start(
    app: &Arc<App>,
    request: &StartSignIn,
    linking: Option<&Linking>,
    from: &From<'_>,
) -> Result<StartSignInResult, Problem> {
    let refuse = |refusal: Refusal| problem(&refusal, from.request_id);
    let receiver = receiver(app, request).map_err(refuse)?;
    let id = random_id(app);
    let id = ChallengeId(id);
    let secrets = app.tokens.secrets();
    let number = app.entropy.seed() % 10_u128.pow(CODE_DIGITS as u32);
    let code = format!("{number:0CODE_DIGITS$}");
    let to_send = serde_json::to_vec(&ToSend {
        to: receiver.value.clone(),
        code: code.clone(),
    });
    let to_send = to_send.expect("it is plain JSON");
    let sealed = secrets.seal(SEALED_AS, &to_send, app.entropy.as_ref());
    let begun = StartChallenge {
        id,
        kind: receiver.kind,
        link_from: linking.map(|linking| linking.session_id),
        secret_hash: secrets.code_hash(id, &code),
        sealed: Vec::new(),
        effect: Some((random_id(app), receiver.effect, sealed)),
        lifetime_ms: CODE_MINUTES_MAX * 60_000,
        budgets: receiver.budgets(&from.address_text()),
        value: receiver.value,
    };
    let actor = linking.map(|linking| &linking.user_id);
    let begun = act(app, actor, begun, from.request_id).await?;
    app.sign_in().outbox.notify_one();
    match begun {
        SignedIn::Begun {
            challenge_id,
            expires_at,
        } => Ok(StartSignInResult {
            challenge_id,
            expires_at,
        }),
        _ => Err(inside(from.request_id)),
    }
}

/// A guess: what it brings.
pub(crate) async fn verify(
    app: &Arc<App>,
    (challenge_id, code): (ChallengeId, &str),
    session: NewSession,
    linking: Option<&UserId>,
    from: &From<'_>,
) -> Result<SignedIn, Problem> {
    let guess = VerifyCode {
        challenge_id,
        secret_hash: app.tokens.secrets().code_hash(challenge_id, code.trim()),
        session,
        purpose: linking.map_or(Purpose::SignIn, |_| Purpose::Link),
        budgets: vec![Budget {
            name: format!("guesses from {}", from.address_text()),
            max: GUESSES_PER_ADDRESS_HOUR_MAX,
            period_ms: HOUR_MS,
        }],
    };
    match act(app, linking, guess, from.request_id).await? {
        SignedIn::WrongCode { tries_left } => {
            metrics::counter!("semel_sign_in_guesses_total", "result" => "wrong").increment(1);
            let detail = format!("this is not the code that was sent; {tries_left} tries are left");
            Err(Problem::new(Code::WrongCode, detail, from.request_id))
        }
        right => {
            metrics::counter!("semel_sign_in_guesses_total", "result" => "right").increment(1);
            Ok(right)
        }
    }
}

/// A device that signs in, as it names itself.
pub(crate) fn new_session(
    app: &App,
    device_id: Option<String>,
    device_name: Option<&str>,
) -> Result<NewSession, Refusal> {
    let is_good = |id: &String| {
        (1..=DEVICE_ID_CHARACTERS_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !device_id.as_ref().is_none_or(is_good) {
        let detail = format!("1 to {DEVICE_ID_CHARACTERS_MAX} visible ASCII characters");
        return Err(Refusal::invalid("/device_id", detail));
    }
    if device_name.is_some_and(|name| name.chars().count() > DEVICE_NAME_CHARACTERS_MAX) {
        let detail = format!("at most {DEVICE_NAME_CHARACTERS_MAX} characters");
        return Err(Refusal::invalid("/device_name", detail));
    }
    Ok(NewSession {
        id: SessionId(random_id(app)),
        salt: app.entropy.seed().to_be_bytes(),
        device_id,
        device_name: device_name.and_then(tidy_name),
    })
}

/// A random UUID.
pub(super) fn random_id(app: &App) -> uuid::Uuid {
    Builder::from_random_bytes(app.entropy.seed().to_be_bytes()).into_uuid()
}

pub(crate) fn inside(request_id: &str) -> Problem {
    Problem::new(Code::Internal, "something went wrong inside", request_id)
}

/// To whom a code goes.
struct Receiver {
    kind: IdentityKind,
    effect: EffectKind,
    value: String,
    /// What many receivers have in common.
    prefix: String,
    daily_max: u64,
}

fn receiver(app: &App, request: &StartSignIn) -> Result<Receiver, Refusal> {
    let settings = &app.sign_in().settings;
    let off = || {
        let detail = "nobody signs in this way here; GET /api/auth/methods says how";
        Refusal::invalid("/kind", detail)
    };
    match request.kind {
        SignInKind::Phone => {
            let phone = settings.phone.as_ref().ok_or_else(off)?;
            let value = phone::number(&request.to, request.country.as_deref(), phone)?;
            Ok(Receiver {
                kind: IdentityKind::Phone,
                effect: EffectKind::Phone,
                prefix: value.chars().take(PREFIX_CHARACTERS).collect(),
                value,
                daily_max: phone.daily_max,
            })
        }
        SignInKind::Email => {
            let email = settings.email.as_ref().ok_or_else(off)?;
            let value = phone::address("/to", &request.to)?;
            let domain = value.rsplit_once('@').map_or("", |(_, domain)| domain);
            Ok(Receiver {
                kind: IdentityKind::Email,
                effect: EffectKind::Email,
                prefix: domain.to_owned(),
                value,
                daily_max: email.daily_max,
            })
        }
        SignInKind::Oidc => Err(off()),
    }
}

impl Receiver {
    fn budgets(&self, address: &str) -> Vec<Budget> {
        let way = match self.effect {
            EffectKind::Phone => "phone",
            EffectKind::Email => "email",
        };
        let budget = |name: String, max, period_ms| Budget {
            name,
            max,
            period_ms,
        };
        let prefix = format!("codes to {way} {}…", self.prefix);
        // A large mail provider is one domain: its own budget is that of the day.
        let prefix_max = match self.effect {
            EffectKind::Phone => CODES_PER_PREFIX_HOUR_MAX,
            EffectKind::Email => self.daily_max,
        };
        vec![
            budget(
                format!("codes to {way} {}", self.value),
                CODES_PER_RECEIVER_HOUR_MAX,
                HOUR_MS,
            ),
            budget(prefix, prefix_max, HOUR_MS),
            budget(
                format!("sign-ins from {address}"),
                SIGN_INS_PER_ADDRESS_HOUR_MAX,
                HOUR_MS,
            ),
            budget(format!("codes by {way}"), self.daily_max, DAY_MS),
        ]
    }
}
