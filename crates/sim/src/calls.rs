//! Calls over HTTP that are made again until their outcome is known, and written down.

use std::{sync::Arc, time::Duration};

use semel_check::{TIMED_OUT, fingerprint_of};
use semel_client::ApiError;
use semel_load::record::{CallRecord, Change, LOST, OpenCall};
use semel_protocol::{Code, Message, Rev, Thread, ThreadId, UserId};
use semel_server::http::Call;
use serde_json::Value;
use tokio::time::sleep;

use crate::{faults::Fault, network, world::World};

/// Pause before a call is made again, in milliseconds, unless the server says another.
const PAUSE_MILLIS: u64 = 700;
/// Refusals that are stored under an idempotency key, because the action itself refused.
const STORED: [Code; 7] = [
    Code::Forbidden,
    Code::NotFound,
    Code::UnknownUsers,
    Code::ClientIdReused,
    Code::ParticipantsKeyTaken,
    Code::MessageDeleted,
    Code::WrongThreadType,
];

/// Which entry an answer shows as the call's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// It does not tell.
    Untold,
    /// The message's last change.
    OfMessage,
    /// The thread's last change.
    OfThread,
    /// The first entry, if the thread was made.
    IfCreated,
    /// The thread's last change, if somebody came in.
    IfAdded,
}

/// One person's calls.
pub(crate) struct Caller {
    pub(crate) world: Arc<World>,
    pub(crate) who: UserId,
    record: CallRecord,
    token: String,
}

impl Caller {
    pub(crate) fn new(world: &Arc<World>, who: &UserId) -> Self {
        Self {
            record: world.recorder.calls(who),
            token: world.token(who),
            world: world.clone(),
            who: who.clone(),
        }
    }

    pub(crate) fn record(&self) -> &CallRecord {
        &self.record
    }

    fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Call {
        Call {
            method,
            path: path.to_owned(),
            token: self.token.clone(),
            key: key.map(str::to_owned),
            body: body.map(Value::to_string),
        }
    }

    /// Asks once, without a record.
    pub(crate) async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<T, Option<ApiError>> {
        let answer = self.world.net.request(self.call("GET", path, None, None));
        let (status, body) = answer.await.ok_or(None)?;
        network::data(status, &body).map_err(Some)
    }

    /// Asks for a change until it is known what became of it; the data of a success.
    pub(crate) async fn change(
        &self,
        change: &Change<'_>,
        own: Own,
        (method, path): (&'static str, &str),
        body: Option<&Value>,
    ) -> Option<Value> {
        let call = self.call(method, path, body, change.idempotency_key);
        if change.idempotency_key.is_some() || change.client_id.is_some() {
            self.repeat_later(change, &call);
        }
        loop {
            let open = self.record.begin(change);
            let Some((status, body)) = self.world.net.request(call.clone()).await else {
                open.unknown(LOST);
                sleep(Duration::from_millis(PAUSE_MILLIS)).await;
                continue;
            };
            match network::data::<Value>(status, &body) {
                Ok(data) => {
                    let answer = change
                        .idempotency_key
                        .map_or(0, |_| fingerprint_of_answer(status, &body));
                    write_down(open, &data, own, answer, change.thread);
                    return Some(data);
                }
                Err(ApiError::Refused(problem)) => {
                    let is_stored =
                        change.idempotency_key.is_some() && STORED.contains(&problem.code);
                    let answer = if is_stored {
                        fingerprint_of_answer(status, &body)
                    } else {
                        0
                    };
                    open.refused(&problem, answer);
                    if !problem.code.is_retryable() {
                        return None;
                    }
                    let pause = problem.retry_after_ms.unwrap_or(PAUSE_MILLIS);
                    sleep(Duration::from_millis(pause)).await;
                }
                Err(_) => {
                    open.unknown(0);
                    sleep(Duration::from_millis(PAUSE_MILLIS)).await;
                }
            }
        }
    }

    /// A proxy may repeat the request at any later time; nobody hears the answer.
    fn repeat_later(&self, change: &Change<'_>, call: &Call) {
        let Some(time) = self.world.net.replay_after() else {
            return;
        };
        let open = self.record.begin(change);
        let (world, call, waits) = (self.world.clone(), call.clone(), self.world.begin());
        tokio::spawn(async move {
            sleep(time).await;
            world.tally.count(Fault::Replay);
            drop(world.net.request(call).await);
            open.unknown(TIMED_OUT);
            drop(waits);
        });
    }
}

fn write_down(open: OpenCall, data: &Value, own: Own, answer: u64, thread: Option<ThreadId>) {
    let read = |name: &str| data.get(name).cloned();
    let message: Option<Message> = read("message").and_then(|it| serde_json::from_value(it).ok());
    let of_thread: Option<Thread> = read("thread").and_then(|it| serde_json::from_value(it).ok());
    // Words that are deleted are deleted from stored answers as well.
    let is_gone = message.as_ref().is_some_and(|it| it.deleted_at.is_some());
    let answer = if is_gone { 0 } else { answer };
    if let Some(seq) = data.get("read_seq").and_then(Value::as_u64)
        && of_thread.is_none()
    {
        return open.marked(seq, answer);
    }
    let is_true = |name: &str| data.get(name).and_then(Value::as_bool) == Some(true);
    if let Some(message) = message
        .as_ref()
        .filter(|_| own == Own::Untold && data.get("duplicate").is_some())
    {
        return open.sent(message, is_true("duplicate"), answer);
    }
    let last_rev = of_thread.as_ref().map(|thread| thread.last_rev);
    let came = data
        .get("added_participants")
        .and_then(Value::as_array)
        .is_some_and(|people| !people.is_empty());
    let rev: Option<Rev> = match own {
        Own::Untold => None,
        Own::OfMessage => message.as_ref().map(|message| message.rev),
        Own::OfThread => last_rev,
        Own::IfCreated => is_true("created").then_some(1),
        Own::IfAdded => last_rev.filter(|_| came),
    };
    let thread = of_thread.map(|thread| thread.id).or(thread);
    match thread {
        Some(thread) => open.changed(thread, rev, answer),
        None => open.unknown(0),
    }
}

/// Of status and body. A thread's last message is left out: its words may be deleted before the answer is replayed.
fn fingerprint_of_answer(status: u16, body: &[u8]) -> u64 {
    let mut text = body.to_vec();
    if let Ok(mut value) = serde_json::from_slice::<Value>(body)
        && let Some(thread) = value
            .pointer_mut("/data/thread")
            .and_then(Value::as_object_mut)
    {
        thread.remove("last_message");
        text = value.to_string().into_bytes();
    }
    fingerprint_of([status.to_le_bytes().as_slice(), &text])
}
