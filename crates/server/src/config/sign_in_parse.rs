//! How people may sign in, from texts to checked settings.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};
use phonenumber::country::Id;

use super::{
    HostTokens, Secret,
    parse::{Invalid, Reader, origin, whole},
};
use crate::{
    auth::Verified,
    sign_in::{Email, EmailSender, Phone, PhoneSender, ProviderSettings, Settings},
};

/// Bytes that a secret has at least which signs what is posted.
const SECRET_BYTES_MIN: usize = 32;
/// Codes of a day.
const DAILY_MAX: u64 = 10_000_000;

/// How people may sign in; none if something is not valid.
pub(super) fn sign_in(reader: &mut Reader<'_>, listen: Option<SocketAddr>) -> Option<Settings> {
    let public_url = reader.read_optional("public_url", |text| origin(text.trim_end_matches('/')));
    let phone = phone(reader, listen);
    let email = email(reader, listen);
    let providers = reader.read_optional("oidc_providers", providers);
    let settings = Settings {
        public_url: public_url.ok()?,
        phone: phone.ok()?,
        email: email.ok()?,
        providers: providers.ok()?.unwrap_or_default(),
    };
    if !settings.providers.is_empty() && settings.public_url.is_none() {
        let problem = "`oidc_providers` needs `public_url`: providers send browsers back to it";
        reader.problems.push(problem.to_owned());
    }
    Some(settings)
}

/// What is asked of a host application's tokens.
pub(super) fn host(reader: &mut Reader<'_>) -> Option<HostTokens> {
    let text = |text: &str| Ok(text.to_owned());
    Some(HostTokens {
        issuer: reader.read_optional("host_issuer", text).ok()?,
        audience: reader.read_optional("host_audience", text).ok()?,
        keys_url: reader.read_optional("host_jwks_url", address).ok()?,
        verified: reader.read("host_verified", |text| match text {
            "nobody" => Ok(Verified::Nobody),
            "everybody" => Ok(Verified::Everybody),
            "as_told" => Ok(Verified::AsTold),
            _ => Err(format!(
                "`{text}` is neither `nobody` nor `everybody` nor `as_told`"
            )),
        })?,
    })
}

fn phone(reader: &mut Reader<'_>, listen: Option<SocketAddr>) -> Result<Option<Phone>, Invalid> {
    let kind = one_of(
        reader,
        "phone_sender",
        &["off", "sms", "webhook", "terminal"],
    )
    .ok_or(Invalid)?;
    let country = reader.read_optional("phone_country", country)?;
    let countries = reader.read("phone_countries", countries).ok_or(Invalid)?;
    let daily_max = reader
        .read("phone_daily_max", |text| whole(text, 1, DAILY_MAX))
        .ok_or(Invalid)?;
    let sender = match kind.as_str() {
        "off" => return Ok(None),
        "terminal" => {
            local(reader, "phone_sender", listen).ok_or(Invalid)?;
            PhoneSender::Terminal
        }
        "sms" => {
            let url = needed(reader, "phone_url", &kind, address);
            let user = needed(reader, "phone_user", &kind, |text| Ok(text.to_owned()));
            let password = needed(reader, "phone_secret", &kind, |text| Ok(Secret::new(text)));
            let from = needed(reader, "phone_from", &kind, |text| Ok(text.to_owned()));
            PhoneSender::Sms {
                url: url.ok_or(Invalid)?,
                user: user.ok_or(Invalid)?,
                password: password.ok_or(Invalid)?,
                from: from.ok_or(Invalid)?,
            }
        }
        _ => {
            let url = needed(reader, "phone_url", &kind, address);
            let secret = needed(reader, "phone_secret", &kind, long_secret);
            PhoneSender::Webhook {
                url: url.ok_or(Invalid)?,
                secret: secret.ok_or(Invalid)?,
            }
        }
    };
    Ok(Some(Phone {
        sender,
        country,
        countries,
        daily_max,
    }))
}

fn email(reader: &mut Reader<'_>, listen: Option<SocketAddr>) -> Result<Option<Email>, Invalid> {
    let kind = one_of(reader, "email_sender", &["off", "smtp", "terminal"]).ok_or(Invalid)?;
    let daily_max = reader
        .read("email_daily_max", |text| whole(text, 1, DAILY_MAX))
        .ok_or(Invalid)?;
    let sender = match kind.as_str() {
        "off" => return Ok(None),
        "terminal" => {
            local(reader, "email_sender", listen).ok_or(Invalid)?;
            EmailSender::Terminal
        }
        _ => {
            let url = needed(reader, "smtp_url", &kind, smtp);
            let from = needed(reader, "email_from", &kind, mailbox);
            EmailSender::Smtp {
                url: url.ok_or(Invalid)?,
                from: from.ok_or(Invalid)?,
            }
        }
    };
    Ok(Some(Email { sender, daily_max }))
}

fn one_of(reader: &mut Reader<'_>, key: &str, words: &[&str]) -> Option<String> {
    reader.read(key, |text| {
        if words.contains(&text) {
            return Ok(text.to_owned());
        }
        Err(format!("`{text}` is none of {}", words.join(", ")))
    })
}

/// A setting without which another one cannot be.
fn needed<T>(
    reader: &mut Reader<'_>,
    key: &str,
    kind: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let value = reader.read_optional(key, parse).ok()?;
    if value.is_none() {
        let problem = format!("`{key}` is not set, and `{kind}` needs it");
        reader.problems.push(problem);
    }
    value
}

/// Whoever sees the terminal can sign in as anybody: nobody else must be able to ask.
fn local(reader: &mut Reader<'_>, key: &str, listen: Option<SocketAddr>) -> Option<()> {
    if listen?.ip().is_loopback() {
        return Some(());
    }
    reader.problems.push(format!(
        "`{key} = \"terminal\"` is for one machine: `listen` must be on 127.0.0.1 or [::1]"
    ));
    None
}

/// An address that is asked: with TLS, or on this machine.
/// Whether it is on this machine.
fn is_local(url: &reqwest::Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn address(text: &str) -> Result<String, String> {
    match reqwest::Url::parse(text) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_local(&url)) => {
            Ok(text.to_owned())
        }
        // The text is not repeated: it may hold a password.
        _ => Err(
            "an address that begins with https:// is needed (http:// on this machine only)"
                .to_owned(),
        ),
    }
}

fn long_secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_BYTES_MIN {
        return Err(format!(
            "at least {SECRET_BYTES_MIN} bytes; make one with `openssl rand -hex 32`"
        ));
    }
    Ok(Secret::new(text))
}

fn country(text: &str) -> Result<Id, String> {
    let code = text.to_ascii_uppercase();
    code.parse()
        .map_err(|_| format!("`{text}` is no country; say two letters of ISO 3166, for example DE"))
}

fn countries(text: &str) -> Result<Vec<Id>, String> {
    listed(text).map(country).collect()
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty())
}

fn smtp(text: &str) -> Result<Secret, String> {
    let is_whole = AsyncSmtpTransport::<Tokio1Executor>::from_url(text).is_ok();
    let url = reqwest::Url::parse(text).ok().filter(|_| is_whole);
    let is_safe = |url: &reqwest::Url| {
        let is_asked =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| name == "tls" && value == "required";
        url.scheme() == "smtps" || is_local(url) || url.query_pairs().any(is_asked)
    };
    match url {
        Some(url) if is_safe(&url) => Ok(Secret::new(text)),
        // The text is not repeated: it holds a password.
        Some(_) => Err(
            "codes and the password would go unencrypted; add ?tls=required, or use smtps:// \
                        (without either, a mail server on this machine only)"
                .to_owned(),
        ),
        None => Err(
            "this is no mail server; say smtps://USER:PASSWORD@HOST:465 or \
             smtp://USER:PASSWORD@HOST:587?tls=required"
                .to_owned(),
        ),
    }
}

fn mailbox(text: &str) -> Result<String, String> {
    match text.parse::<Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!(
            "`{text}` is no sender; say for example Chat <chat@example.org>"
        )),
    }
}

fn providers(text: &str) -> Result<Vec<ProviderSettings>, String> {
    let mut all: Vec<ProviderSettings> = Vec::new();
    for item in listed(text) {
        let words: Vec<&str> = item.split_whitespace().collect();
        let (name, issuer, client_id, secret) = match words[..] {
            [name, issuer, client_id] => (name, issuer, client_id, None),
            [name, issuer, client_id, secret] => (name, issuer, client_id, Some(secret)),
            _ => {
                return Err("each provider is `NAME ISSUER CLIENT_ID CLIENT_SECRET`, for example \
                            google https://accounts.google.com 123.apps.googleusercontent.com GOCSPX-…"
                    .to_owned());
            }
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(is_plain) || name.len() > 32 {
            return Err(format!(
                "a provider's name is part of addresses: `{name}` may have a-z, 0-9 and -, up to 32"
            ));
        }
        if all
            .iter()
            .any(|known| known.name == name || known.issuer == issuer)
        {
            return Err(format!("the provider `{name}` is named twice"));
        }
        all.push(ProviderSettings {
            name: name.to_owned(),
            issuer: address(issuer).map_err(|problem| format!("{name}: {problem}"))?,
            client_id: client_id.to_owned(),
            client_secret: secret.map(Secret::new),
        });
    }
    Ok(all)
}
