//! Answers.

use axum::{
    Extension,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use semel_core::{Answer, Refusal};
use semel_protocol::{Code, Problem};
use serde_json::Value;

use super::layer::RequestId;
use crate::{
    auth::Secrets,
    convert::{self, Data},
};

/// Marks an answer that an earlier request with the same key got.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const PROBLEM: &str = "application/problem+json";

/// An answer of the ledger, now or then.
pub(super) fn answer(answer: Answer, is_replay: bool) -> Response {
    let is_problem = answer.status >= 400;
    let media_type = if is_problem {
        PROBLEM
    } else {
        "application/json"
    };
    let mut response = json(answer.status, media_type, answer.body);
    let headers = response.headers_mut();
    if let Some(location) = answer
        .location
        .and_then(|text| HeaderValue::from_str(&text).ok())
    {
        headers.insert(header::LOCATION, location);
    }
    if is_replay {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The answer to a question.
pub(super) fn data(data: &Data) -> Response {
    json(200, "application/json", convert::envelope(data))
}

/// A problem.
pub(super) fn problem(problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem is plain JSON");
    let mut response = json(problem.status, PROBLEM, body);
    if let Some(millis) = problem.retry_after_ms {
        let seconds = HeaderValue::from(millis.div_ceil(1_000));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    if problem.code == Code::BodyTooLarge {
        // What is left of the body is not read: nothing else can come over this connection.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// A problem before there was an action.
pub(super) fn refusal(refusal: &Refusal, request_id: &str) -> Response {
    problem(&convert::from_refusal(refusal, request_id))
}

/// 401, with what RFC 6750 asks for.
pub(super) fn unauthenticated(found: &Problem, headers: &HeaderMap) -> Response {
    let mut response = problem(found);
    if found.code == Code::Unauthenticated {
        let has_token = headers.contains_key(header::AUTHORIZATION);
        let challenge = if has_token {
            "Bearer error=\"invalid_token\""
        } else {
            "Bearer"
        };
        let challenge = HeaderValue::from_static(challenge);
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

pub(super) async fn no_such_address(Extension(RequestId(id)): Extension<RequestId>) -> Response {
    refusal(
        &Refusal::new(Code::NotFound, "there is no such address"),
        &id,
    )
}

pub(super) async fn no_such_method(Extension(RequestId(id)): Extension<RequestId>) -> Response {
    refusal(
        &Refusal::new(Code::MethodNotAllowed, "this address has no such method"),
        &id,
    )
}

/// Something in here panicked. The cause is in the log.
pub(super) fn internal(request_id: &str) -> Response {
    problem(&Problem::new(
        Code::Internal,
        "something went wrong inside",
        request_id,
    ))
}

/// An answer with the tokens of the invite links that it names.
pub(super) async fn with_links(response: Response, secrets: &Secrets) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body in memory is there");
    let mut json: Value = serde_json::from_slice(&body.to_bytes()).expect("answers are JSON");
    let one = json.pointer_mut("/data/invite").into_iter();
    one.for_each(|invite| put_token(invite, secrets));
    let list = json.pointer_mut("/data/invites");
    let all = list.and_then(Value::as_array_mut).into_iter().flatten();
    all.for_each(|invite| put_token(invite, secrets));
    let body = serde_json::to_vec(&json).expect("JSON stays JSON");
    Response::from_parts(head, body.into())
}

fn put_token(invite: &mut Value, secrets: &Secrets) {
    let id = invite["id"].as_str().and_then(|id| id.parse().ok());
    if let Some(id) = id {
        invite["token"] = Value::String(secrets.invite_token(id));
    }
}

fn json(status: u16, media_type: &'static str, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}
