//! The one wrapper around every route: who, which key, what; then the action or the question.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, header},
    response::Response,
};
use http_body_util::BodyExt;
use semel_core::{Command, IdempotencyKey, Refusal, Rows, Stop, actions::Action};
use semel_protocol::{Code, Problem, limits::REQUEST_BODY_BYTES_MAX};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    auth, key,
    layer::RequestId,
    parts::Parts,
    respond,
    route::{Ask, FoundOr, Handler, Reading, Route, Signing, Streaming, Uploading},
    sign_in::Visit,
};
use crate::{
    address::ClientAddress,
    app::App,
    auth::Caller,
    convert, idempotency,
    limits::{Doing, TooOften},
};

/// Time in which a body must arrive.
const BODY_SECONDS_MAX: u64 = 60;
/// Bytes up to which a body that is too large is read on and thrown away, so that the caller gets an answer, no reset.
const BODY_BYTES_DRAINED_MAX: usize = 4 * REQUEST_BODY_BYTES_MAX;

/// What all requests have in common.
struct Asked {
    app: Arc<App>,
    caller: Caller,
    request_id: String,
}

impl Asked {
    /// The caller does something, if they may.
    fn take(&self, doing: Doing) -> Result<(), Refusal> {
        self.app.take(&self.caller, doing).map_err(too_often)
    }

    /// The caller asks something, if they may.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<Result<T, Problem>, Refusal> {
        self.take(Doing::READ)?;
        let (who, request_id) = (&self.caller.user_id, &self.request_id);
        Ok(self.app.ask(who, request_id, question).await)
    }
}

fn too_often(too_often: TooOften) -> Refusal {
    Refusal {
        retry_after_ms: Some(too_often.retry_after_ms),
        ..Refusal::new(Code::RateLimited, "too much at once")
    }
}

pub(super) async fn run(
    route: &'static Route,
    State(app): State<Arc<App>>,
    request: Request,
) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let RequestId(request_id) = request_id.expect("the layer around gives every request an id");
    if let Handler::SignIn(sign_in) | Handler::Open(sign_in) = route.handler {
        let signing = visit(route, app, request, request_id.clone()).await;
        let visit = match signing {
            Ok(visit) => visit,
            Err(refusal) => return respond::refusal(&refusal, &request_id),
        };
        let headers = visit.headers.clone();
        let answered = sign_in(visit).await;
        return answered.unwrap_or_else(|problem| respond::unauthenticated(&problem, &headers));
    }
    let token = auth::bearer(request.headers());
    let caller = match app.admit(token, &request_id).await {
        Ok(caller) => caller,
        Err(problem) => return respond::unauthenticated(&problem, request.headers()),
    };
    tracing::Span::current().record("user_id", caller.user_id.as_str());
    let server = Arc::clone(&app);
    let asked = Asked {
        app,
        caller,
        request_id,
    };
    let request_id = asked.request_id.clone();
    let result = match route.handler {
        Handler::Mutation(read) => mutate(route, read, asked, request).await,
        Handler::Question(read) => ask(route, read, asked, request).await,
        Handler::Counted(read) => ask_or_count(route, read, asked, request).await,
        Handler::Stream(read) => stream(route, read, asked, request).await,
        Handler::Upload(read) => upload(route, read, asked, request).await,
        Handler::SignIn(_) | Handler::Open(_) => unreachable!("it was answered above"),
    };
    let response = result.unwrap_or_else(|refusal| respond::refusal(&refusal, &request_id));
    if route.has_links {
        return respond::with_links(response, server.tokens.secrets()).await;
    }
    response
}

/// A request of signing in, where who it is shows in it, or of what needs nobody.
async fn visit(
    route: &Route,
    app: Arc<App>,
    request: Request,
    request_id: String,
) -> Result<Visit, Refusal> {
    let address = request.extensions().get::<ClientAddress>().copied();
    if let Some(address) = address {
        let taken = match route.handler {
            Handler::SignIn(_) => app.take_sign_in(address),
            _ => app.take_read(address),
        };
        taken.map_err(too_often)?;
    }
    Ok(Visit {
        headers: request.headers().clone(),
        address,
        parts: receive(route, &app, request).await?,
        app,
        request_id,
    })
}

async fn mutate(
    route: &Route,
    read: fn(&Caller, &Parts) -> Result<Action, Refusal>,
    asked: Asked,
    request: Request,
) -> Result<Response, Refusal> {
    let key = key::read(request.headers())?;
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let parts = receive(route, &asked.app, request).await?;
    let action = read(&asked.caller, &parts)?;
    let idempotency = key.map(|key| {
        let request = idempotency::Request {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query().unwrap_or(""),
            media_type: &parts.media_type,
            body: &serde_json::from_slice(&parts.body).unwrap_or(Value::Null),
        };
        request.under(key)
    });
    asked.take(Doing::action(&action))?;
    Ok(submit(asked, action, idempotency).await)
}

/// Reading takes more work than anything else that one request can ask for: it counts before, whatever comes of it.
async fn upload(
    route: &Route,
    read: fn(Uploading) -> Reading,
    asked: Asked,
    request: Request,
) -> Result<Response, Refusal> {
    let key = key::read(request.headers())?;
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let parts = receive(route, &asked.app, request).await?;
    asked.take(Doing::UPLOAD)?;
    let idempotency = key.map(|key| {
        let digest = format!("{:x?}", Sha256::digest(&parts.body).as_slice());
        let request = idempotency::Request {
            method: method.as_str(),
            path: uri.path(),
            query: "",
            media_type: &parts.media_type,
            body: &Value::String(digest),
        };
        request.under(key)
    });
    let uploading = Uploading {
        app: Arc::clone(&asked.app),
        who: asked.caller.user_id.clone(),
        request_id: asked.request_id.clone(),
        bytes: parts.body,
    };
    let action = read(uploading).await?;
    Ok(submit(asked, action, idempotency).await)
}

async fn submit(asked: Asked, action: Action, idempotency: Option<IdempotencyKey>) -> Response {
    let Asked {
        app,
        caller,
        request_id,
    } = asked;
    let actor = caller.user_id;
    let command = Command {
        actor,
        action,
        idempotency,
        request_id: request_id.clone(),
    };
    let reply = match app.submit(command).await {
        Ok(reply) => reply,
        Err(error) => return respond::problem(&convert::from_ledger(&error, &request_id)),
    };
    let is_replay = reply.is_replay();
    match (reply.answer, reply.result) {
        (Some(answer), _) => respond::answer(answer, is_replay),
        (None, Some(Err(refusal))) => respond::refusal(&refusal, &request_id),
        (None, Some(result)) => respond::answer(convert::answer(&result, &request_id), false),
        (None, None) => respond::internal(&request_id),
    }
}

async fn ask(
    route: &Route,
    read: fn(&Caller, &Parts) -> Result<Ask, Refusal>,
    asked: Asked,
    request: Request,
) -> Result<Response, Refusal> {
    let parts = receive(route, &asked.app, request).await?;
    let question = read(&asked.caller, &parts)?;
    Ok(match asked.ask(question).await? {
        Ok(data) => respond::data(&data),
        Err(problem) => respond::problem(&problem),
    })
}

async fn ask_or_count(
    route: &Route,
    read: fn(&Caller, &Parts) -> Result<FoundOr, Refusal>,
    asked: Asked,
    request: Request,
) -> Result<Response, Refusal> {
    let parts = receive(route, &asked.app, request).await?;
    let (question, action) = read(&asked.caller, &parts)?;
    Ok(match asked.ask(question).await? {
        Ok(Some(data)) => respond::data(&data),
        Ok(None) => {
            asked.take(Doing::action(&action))?;
            submit(asked, action, None).await
        }
        Err(problem) => respond::problem(&problem),
    })
}

async fn stream(
    route: &Route,
    read: fn(Streaming) -> Signing,
    asked: Asked,
    request: Request,
) -> Result<Response, Refusal> {
    receive(route, &asked.app, request).await?.no_body()?;
    asked.take(Doing::EXPORT)?;
    let Asked {
        app,
        caller,
        request_id,
    } = asked;
    let streaming = Streaming {
        app,
        caller,
        request_id,
    };
    let answer = read(streaming).await;
    Ok(answer.unwrap_or_else(|problem| respond::problem(&problem)))
}

/// Takes a request apart: parameters by name, the whole body.
async fn receive(route: &Route, app: &Arc<App>, request: Request) -> Result<Parts, Refusal> {
    let (mut head, body) = request.into_parts();
    let params = RawPathParams::from_request_parts(&mut head, &())
        .await
        .map_err(|_| {
            Refusal::new(
                Code::InvalidRequest,
                "the address is not percent-encoded UTF-8",
            )
        })?;
    let path = params
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let query = query(route, head.uri.query().unwrap_or(""))?;
    let media_type = media_type(&head.headers)?;
    Ok(Parts {
        app: Arc::clone(app),
        address: head.extensions.get::<ClientAddress>().copied(),
        path,
        query,
        media_type,
        body: whole(body, route.body_bytes_max()).await?,
    })
}

fn query(route: &Route, text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let pointer = format!("?{name}");
        if !route.query.contains(&name.as_ref()) {
            return Err(Refusal::invalid(&pointer, "there is no such parameter"));
        }
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::invalid(&pointer, "sent twice"));
        }
        pairs.push((name.into_owned(), value.into_owned()));
    }
    Ok(pairs)
}

fn media_type(headers: &HeaderMap) -> Result<String, Refusal> {
    let unsupported = |detail| Refusal::new(Code::UnsupportedMediaType, detail);
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| value != "identity")
    {
        return Err(unsupported("compressed bodies are not read"));
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(String::new());
    };
    let text = value.to_str().unwrap_or("").to_ascii_lowercase();
    let (essence, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let is_foreign = |parameter: &str| {
        let parameter = parameter.split_once('=');
        parameter.is_some_and(|(name, value)| {
            name.trim() == "charset" && value.trim().trim_matches('"') != "utf-8"
        })
    };
    if parameters.split(';').any(is_foreign) {
        return Err(unsupported("the body must be UTF-8"));
    }
    Ok(essence.trim().to_owned())
}

async fn whole(mut body: Body, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let arrives = async {
        let (mut bytes, mut length) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| malformed("the body did not arrive whole"))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length += data.len();
            if length <= bytes_max {
                bytes.extend_from_slice(&data);
            } else if length > BODY_BYTES_DRAINED_MAX {
                break;
            }
        }
        if length > bytes_max {
            let detail = format!("this body has at most {bytes_max} bytes");
            return Err(Refusal::new(Code::BodyTooLarge, detail));
        }
        Ok(bytes)
    };
    let limit = Duration::from_secs(BODY_SECONDS_MAX);
    let late = |_| Err(malformed("the body did not arrive in time"));
    tokio::time::timeout(limit, arrives)
        .await
        .unwrap_or_else(late)
}

fn malformed(detail: &str) -> Refusal {
    Refusal::new(Code::MalformedBody, detail)
}
