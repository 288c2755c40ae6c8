//! Pictures of people and groups.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use semel_core::{
    Command, Refusal,
    actions::{AddPicture, CountUpload},
    pictures::PictureBytesRow,
    ports, queries,
};
use semel_protocol::{Code, PictureId, Problem, picture::PictureResult};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    route::{Reading, Uploading},
    sign_in::Visit,
};
use crate::{
    convert::{self, Success},
    pictures::{self, Redone},
    telemetry,
    turns::{TooMany, Turn},
};

/// Pictures that are read at a time: each takes a thread and some memory.
static READERS: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// When to come back who waited in vain.
const RETRY_AFTER_MS: u64 = 5_000;

/// A year, in seconds: what an address shows never changes.
const FOREVER: &str = "private, max-age=31536000, immutable";
/// Opened as a page of its own it can do nothing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Keeps a picture: PNG, JPEG or WebP, by what it is, not by what it is said to be. It is turned upright, scaled down to at most
/// 512 × 512 and encoded anew, so that nothing else that the file held is kept. The address in the answer is to be written into
/// `picture` of a person or a group; a picture that nobody and no group has goes after a day. A repeat changes nothing.
#[utoipa::path(post, path = "/api/pictures", tag = "people",
    request_body(content(("image/png"), ("image/jpeg"), ("image/webp"))),
    responses((status = 201, description = "It is kept.", body = Success<PictureResult>),
        (status = 200, description = "It was kept before.", body = Success<PictureResult>)))]
pub(super) fn upload(uploading: Uploading) -> Reading {
    Box::pin(async move {
        let own = own_turn(&uploading).await?;
        count(&uploading).await?;
        let turn = timeout(WAIT_MAX, READERS.acquire()).await;
        let turn = turn.map_err(|_| wait(Code::Overloaded, "too many pictures at once"))?;
        let turn = turn.expect("it is never closed");
        let bytes = uploading.bytes;
        // The turns go with the work: it goes on when the caller hangs up.
        let read = tokio::task::spawn_blocking(move || {
            let _turns = (own, turn);
            pictures::redo(&bytes)
        });
        let read = read.await;
        let failed = |_| Refusal::new(Code::Internal, "a picture could not be read");
        let Redone {
            form,
            bytes,
            width,
            height,
        } = read.map_err(failed)??;
        let bytes = bytes.into();
        Ok(AddPicture {
            form,
            bytes,
            width,
            height,
        }
        .into())
    })
}

/// One person's uploads are read one after the other: who sends many at once holds up nobody else.
async fn own_turn(uploading: &Uploading) -> Result<Turn, Refusal> {
    let often = || wait(Code::RateLimited, "too many pictures of one person at once");
    let turn = timeout(WAIT_MAX, uploading.app.uploads.take(&uploading.who)).await;
    turn.map_err(|_| often())?.map_err(|TooMany| often())
}

/// Counts before the work is done, whatever comes of it.
async fn count(uploading: &Uploading) -> Result<(), Refusal> {
    let command = Command {
        actor: uploading.who.clone(),
        action: CountUpload.into(),
        idempotency: None,
        request_id: uploading.request_id.clone(),
    };
    match uploading.app.submit(command).await {
        Ok(reply) => reply.result.map_or(Ok(()), |result| result.map(drop)),
        Err(error) => {
            let problem = convert::from_ledger(&error, &uploading.request_id);
            Err(Refusal {
                retry_after_ms: problem.retry_after_ms,
                ..Refusal::new(problem.code, problem.detail)
            })
        }
    }
}

fn wait(code: Code, detail: &str) -> Refusal {
    Refusal {
        retry_after_ms: Some(RETRY_AFTER_MS),
        ..Refusal::new(code, detail)
    }
}

/// A picture, for whoever knows its address: browsers send no token for it.
#[utoipa::path(get, path = "/api/pictures/{picture_id}", tag = "people", security(()),
    responses((status = 200, description = "The picture. It never changes.",
        content(("image/jpeg"), ("image/png")))))]
pub(super) async fn get_picture(visit: Visit) -> Result<Response, Problem> {
    let absent = || convert::from_refusal(&Refusal::not_found(), &visit.request_id);
    let id = visit.parts.picture_id().ok_or_else(absent)?;
    let question = move |rows: &semel_core::Rows| queries::picture(rows, id);
    let row = match ports::ask(visit.app.ledger.as_ref(), question).await {
        Ok(Ok(row)) => row.ok_or_else(absent)?,
        Ok(Err(refusal)) => return Err(convert::from_refusal(&refusal, &visit.request_id)),
        Err(error) => {
            telemetry::question_failed(&error);
            return Err(convert::from_ledger(&error, &visit.request_id));
        }
    };
    let known = visit.headers.get(header::IF_NONE_MATCH);
    Ok(answer(id, &row, known))
}

fn answer(id: PictureId, row: &PictureBytesRow, known: Option<&HeaderValue>) -> Response {
    let tag = format!("\"{id}\"");
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let tag = HeaderValue::from_str(&tag).expect("an id is visible ASCII");
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, HeaderValue::from_static(FOREVER)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        ),
        // Pages of host applications show it; who knows the address may.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let media_type = HeaderValue::from_static(row.form.media_type());
    let bytes = Body::from(row.bytes.to_vec());
    (headers, [(header::CONTENT_TYPE, media_type)], bytes).into_response()
}
