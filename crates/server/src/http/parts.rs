//! A request that was received whole, and how routes read it.

use std::{fmt::Display, str::FromStr, sync::Arc};

use semel_core::Refusal;
use semel_protocol::{Code, InviteId, MessageId, PictureId, ReportId, ThreadId, Timestamp, UserId};
use serde::{Serialize, de::DeserializeOwned};

use super::body;
use crate::{address::ClientAddress, app::App};

/// A request that was received whole.
#[derive(Debug)]
pub struct Parts {
    pub(super) app: Arc<App>,
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    /// Without parameters, lower case; empty without a `Content-Type`.
    pub(super) media_type: String,
    pub(super) body: Vec<u8>,
    /// From where it came.
    pub(super) address: Option<ClientAddress>,
}

impl Parts {
    /// The body, which must be JSON of this form.
    pub(super) fn json<T: DeserializeOwned + Serialize>(&self) -> Result<T, Refusal> {
        if self.media_type != "application/json" {
            return Err(Refusal::new(
                Code::UnsupportedMediaType,
                "the body must be JSON: send `Content-Type: application/json`",
            ));
        }
        body::read(&self.body)
    }

    /// As what the network address that it came from counts.
    pub(super) fn address_text(&self) -> String {
        self.address
            .map_or_else(|| "somewhere".to_owned(), |address| address.to_string())
    }

    /// Nothing is expected in the body: an empty object will do.
    pub(super) fn no_body(&self) -> Result<(), Refusal> {
        match self.body.trim_ascii() {
            b"" | b"{}" => Ok(()),
            _ => Err(Refusal::invalid("", "this call takes no body")),
        }
    }

    /// A parameter of the path, decoded. The route's template names it.
    pub(super) fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    pub(super) fn thread_id(&self) -> Result<ThreadId, Refusal> {
        self.id("thread_id", "a thread id is a UUID")
    }

    pub(super) fn invite_id(&self) -> Result<InviteId, Refusal> {
        self.id("invite_id", "the id of an invite link is a UUID")
    }

    /// The invite link of which this is the token; none if it is none of this server's.
    pub(super) fn invite_of(&self, token: &str) -> Option<InviteId> {
        self.app.tokens.secrets().invite(token)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    pub(super) fn message_id(&self) -> Result<MessageId, Refusal> {
        self.id("message_id", "a message id is a UUID")
    }

    pub(super) fn report_id(&self) -> Result<ReportId, Refusal> {
        self.id("report_id", "a report id is a UUID")
    }

    /// Whatever is no id names nothing.
    pub(super) fn picture_id(&self) -> Option<PictureId> {
        let text = self.path("picture_id");
        let id: PictureId = text.parse().ok()?;
        (id.to_string() == text).then_some(id)
    }

    pub(super) fn user_id(&self) -> Result<UserId, Refusal> {
        let id = self.path("user_id").parse();
        id.map_err(|error: semel_protocol::ids::UserIdError| {
            Refusal::invalid("?user_id", error.to_string())
        })
    }

    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // SQL knows signed numbers only; no counter comes near.
            let value = text
                .parse()
                .ok()
                .filter(|value| digits && i64::try_from(*value).is_ok());
            value.ok_or_else(|| Refusal::invalid(&format!("?{name}"), "a whole number"))
        };
        self.query(name).map(number).transpose()
    }

    pub(super) fn query_id<T: FromStr>(
        &self,
        name: &str,
        detail: &str,
    ) -> Result<Option<T>, Refusal> {
        let id = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::invalid(&format!("?{name}"), detail))
        };
        self.query(name).map(id).transpose()
    }

    /// Rows of a page. One more is asked for, which [`cut`] takes off again.
    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, Refusal> {
        match self.number("limit")? {
            None => Ok(default.min(max)),
            Some(limit) if (1..=max as u64).contains(&limit) => Ok(limit as usize),
            Some(_) => Err(Refusal::invalid(
                "?limit",
                format!("a whole number from 1 to {max}"),
            )),
        }
    }

    /// One of a few words, by the names that the wire type gives them.
    pub(super) fn choice<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let read = |text: &str| {
            let word = serde_json::Value::String(text.to_owned());
            serde_json::from_value(word).map_err(|error: serde_json::Error| invalid(name, &error))
        };
        self.query(name).map(read).transpose()
    }

    fn id<T: FromStr>(&self, name: &str, detail: &str) -> Result<T, Refusal> {
        let id = self.path(name).parse();
        id.map_err(|_| Refusal::invalid(&format!("?{name}"), detail))
    }
}

/// Makes a page of rows of which one more was asked for. Its last row, if there are more after it.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: usize) -> Option<&T> {
    let is_last = rows.len() <= limit;
    rows.truncate(limit);
    rows.last().filter(|_| !is_last)
}

fn invalid(name: &str, error: &impl Display) -> Refusal {
    Refusal::invalid(&format!("?{name}"), error.to_string())
}
