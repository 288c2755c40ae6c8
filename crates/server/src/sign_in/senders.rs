//! How codes get to people.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::header::ContentType,
};
use ring::hmac;
use semel_core::sign_in::EffectKind;
use semel_protocol::{Timestamp, limits::CODE_MINUTES_MAX};
use serde_json::json;
use uuid::Uuid;

use super::{Egress, EmailSender, PhoneSender, SignIn, codes::ToSend, egress::EgressError};
use crate::config::Secret;

/// Why a message did not go.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// Trying again may help.
    #[error("{0}")]
    Again(String),
    /// It never will go.
    #[error("{0}")]
    Never(String),
}

impl From<EgressError> for SendError {
    fn from(error: EgressError) -> Self {
        match error {
            // The request itself was refused. Too many, or too slow, is another matter.
            EgressError::Status(status)
                if (400..500).contains(&status) && ![408, 425, 429].contains(&status) =>
            {
                Self::Never(error.to_string())
            }
            error => Self::Again(error.to_string()),
        }
    }
}

/// Sends a code. The id is the receiver's idempotency key, where it knows such.
pub(super) async fn send(
    sign_in: &SignIn,
    kind: EffectKind,
    id: Uuid,
    what: &ToSend,
    now: Timestamp,
) -> Result<(), SendError> {
    let off = || SendError::Never("nothing is sent this way any more".to_owned());
    match kind {
        EffectKind::Phone => {
            let phone = sign_in.settings.phone.as_ref().ok_or_else(off)?;
            match &phone.sender {
                PhoneSender::Terminal => terminal(what),
                PhoneSender::Sms {
                    url,
                    user,
                    password,
                    from,
                } => {
                    let form = [
                        ("To", what.to.as_str()),
                        ("From", from),
                        ("Body", &text(what)),
                    ];
                    let body = form_urlencoded::Serializer::new(String::new())
                        .extend_pairs(form)
                        .finish();
                    let request = sign_in.egress.client().post(url);
                    let request = request
                        .basic_auth(user, Some(password.expose()))
                        .header("content-type", "application/x-www-form-urlencoded")
                        .header("i-twilio-idempotency-token", id.to_string())
                        .body(body);
                    Egress::send(request).await?;
                    Ok(())
                }
                PhoneSender::Webhook { url, secret } => {
                    webhook(&sign_in.egress, url, secret, id, what, now).await
                }
            }
        }
        EffectKind::Email => {
            let email = sign_in.settings.email.as_ref().ok_or_else(off)?;
            match &email.sender {
                EmailSender::Terminal => terminal(what),
                EmailSender::Smtp { url, from } => mail(url, from, id, what).await,
            }
        }
    }
}

fn text(what: &ToSend) -> String {
    let code = &what.code;
    format!("{code} is your code. It counts for {CODE_MINUTES_MAX} minutes. Tell it to nobody.")
}

/// For whoever tries the server on their own machine. Not the log, which has no codes.
fn terminal(what: &ToSend) -> Result<(), SendError> {
    let line = format!("\n  code for {}: {}\n\n", what.to, what.code);
    let written = std::io::stderr().lock().write_all(line.as_bytes());
    written.map_err(|error| SendError::Again(error.to_string()))
}

/// Signed as the "Standard Webhooks" have it: HMAC-SHA256 over id, time and body.
async fn webhook(
    egress: &Egress,
    url: &str,
    secret: &Secret,
    id: Uuid,
    what: &ToSend,
    now: Timestamp,
) -> Result<(), SendError> {
    let body = json!({
        "type": "sign_in.code",
        "data": {"to": what.to, "code": what.code, "text": text(what)},
    });
    let (body, time) = (body.to_string(), now.0 / 1_000);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signature = hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", BASE64_STANDARD.encode(signature.as_ref()));
    let request = egress.client().post(url);
    let request = request
        .header("content-type", "application/json")
        .header("webhook-id", id.to_string())
        .header("webhook-timestamp", time.to_string())
        .header("webhook-signature", signature)
        .body(body);
    Egress::send(request).await?;
    Ok(())
}

async fn mail(url: &Secret, from: &str, id: Uuid, what: &ToSend) -> Result<(), SendError> {
    let never = |error: &dyn std::fmt::Display| SendError::Never(error.to_string());
    let from: lettre::message::Mailbox = from.parse().map_err(|error| never(&error))?;
    let domain = from.email.domain().to_owned();
    let message = Message::builder()
        .from(from)
        .to(what.to.parse().map_err(|error| never(&error))?)
        .subject(format!("{} is your code", what.code))
        .message_id(Some(format!("<{id}@{domain}>")))
        .header(ContentType::TEXT_PLAIN)
        .body(text(what))
        .map_err(|error| never(&error))?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose());
    let transport = transport.map_err(|error| never(&error))?.build();
    match transport.send(message).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => {
            Err(SendError::Never("the mail server refused it".to_owned()))
        }
        Err(_) => Err(SendError::Again(
            "the mail server did not take it".to_owned(),
        )),
    }
}
