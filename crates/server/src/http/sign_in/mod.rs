//! Calls of signing in. Those that give out tokens or cookies are stored nowhere: they are repeated as they are, and mean the
//! same (a refresh and a right code have a time in which their answer can be asked for again).

pub(super) mod codes;
mod cookie;
pub(super) mod erase;
pub(super) mod manage;
pub(super) mod provider;
pub(super) mod sessions;

use std::sync::Arc;

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use semel_core::Refusal;
use semel_protocol::{Code, Problem};
use serde::Serialize;

use super::{auth, parts::Parts};
use crate::{
    address::ClientAddress,
    app::App,
    auth::Caller,
    convert::Success,
    sign_in::{codes::From, codes::Linking, problem},
};

/// A request of signing in.
pub struct Visit {
    pub(super) app: Arc<App>,
    pub(super) parts: Parts,
    pub(super) headers: HeaderMap,
    pub(super) address: Option<ClientAddress>,
    pub(super) request_id: String,
}

impl std::fmt::Debug for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Visit")
    }
}

impl Visit {
    fn refuse(&self, refusal: &Refusal) -> Problem {
        problem(refusal, &self.request_id)
    }

    /// The body.
    #[expect(clippy::result_large_err, reason = "made once for a request")]
    fn json<T: serde::de::DeserializeOwned + Serialize>(&self) -> Result<T, Problem> {
        self.parts.json().map_err(|refusal| self.refuse(&refusal))
    }

    /// Whoever has the token.
    async fn caller(&self) -> Result<Caller, Problem> {
        let token = auth::bearer(&self.headers);
        self.app.admit(token, &self.request_id).await
    }

    /// The sign-in of whoever wants to change how they sign in.
    async fn linking(&self) -> Result<Linking, Problem> {
        let caller = self.caller().await?;
        let session_id = caller.session_id.ok_or_else(|| {
            let detail = "the host application knows this person; how they sign in is its matter";
            self.refuse(&Refusal::new(Code::Forbidden, detail))
        })?;
        Ok(Linking {
            user_id: caller.user_id,
            session_id,
        })
    }

    /// From whom it comes.
    fn from(&self) -> From<'_> {
        From {
            address: self.address,
            request_id: &self.request_id,
        }
    }

    /// Where the browser sees this server, if the request comes from a page of it. Without this, a page of somebody else
    /// could make a browser use its cookie, or sign it in as somebody else.
    #[expect(clippy::result_large_err, reason = "made once for a request")]
    fn own_origin(&self) -> Result<String, Problem> {
        let foreign = || {
            let detail = "cookies are for pages of this server: the `Origin` must be its own";
            self.refuse(&Refusal::new(Code::Forbidden, detail))
        };
        let one = |name: header::HeaderName| {
            let mut values = self.headers.get_all(name).iter();
            let value = values.next()?.to_str().ok()?.to_ascii_lowercase();
            values.next().is_none().then_some(value)
        };
        let origin = one(header::ORIGIN).ok_or_else(foreign)?;
        let is_own = if let Some(url) = &self.app.sign_in().settings.public_url {
            origin == *url
        } else {
            let host = one(header::HOST).ok_or_else(foreign)?;
            let (_, of_origin) = origin.split_once("://").ok_or_else(foreign)?;
            of_origin == host
        };
        let site = self.headers.get("sec-fetch-site");
        let is_same_site = site.is_none_or(|site| site == "same-origin");
        if is_own && is_same_site {
            Ok(origin)
        } else {
            Err(foreign())
        }
    }
}

/// `{"status":"success","data":…}`.
fn success(data: &impl Serialize) -> Response {
    let body = Success {
        status: "success",
        data,
    };
    let body = serde_json::to_vec(&body).expect("wire types are plain JSON");
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, "application/json")],
        body,
    )
        .into_response()
}
