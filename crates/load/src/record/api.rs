//! HTTP calls that are written down.

use std::time::Duration;

use semel_check::{Action, TIMED_OUT, fingerprint_of};
use semel_client::{Address, Answer, Api, ApiError, Method, Reply, percent_encoded};
use semel_protocol::{
    Code, Message, MessageId, Problem, Seq, Thread, ThreadId, UserId,
    message::SendResult,
    requests::{
        ChangeRole, ChangeThread, CreateOrGet, EditMessage, Expand, MarkRead, SendMessage,
        SettingsChange, StartConversation,
    },
    thread::{
        CreateOrGetResult, ExpandResult, History, LeaveResult, MessageResult, ReadResult, Role,
        StartConversationResult, ThreadResult,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{CallRecord, Change, LOST, OpenCall};

/// Refusals that are stored under an idempotency key, because the action itself refused (P-IDEM-4). `invalid_request` is
/// left out: the shape of a request may be refused before.
const STORED: [Code; 7] = [
    Code::Forbidden,
    Code::NotFound,
    Code::UnknownUsers,
    Code::ClientIdReused,
    Code::ParticipantsKeyTaken,
    Code::MessageDeleted,
    Code::WrongThreadType,
];

/// What came of a call.
pub type Asked<T> = Result<Reply<T>, CallError>;

/// Why a call has no success.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server refused, or could not.
    #[error("the server refused: {} ({})", .0.detail, .0.code)]
    Refused(Box<Problem>),
    /// No answer, or none that can be read.
    #[error("the outcome is unknown")]
    Unknown,
}

impl CallError {
    /// Whether the same call may succeed later, or has succeeded without telling.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.code.is_retryable(),
            Self::Unknown => true,
        }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            Self::Unknown => None,
        }
    }
}

/// One person's calls over one connection, all of them recorded.
///
/// The answers to changes show the newest entry of a message or thread. It is recorded as the call's own entry, unless
/// another call was answered with it. That is right as long as nobody asks in vain while somebody else's change of the
/// same message or thread is not acknowledged; callers see to it that one person at a time changes a message or the people
/// of a thread, and repeats with the same key until the outcome is known.
pub struct RecordedApi {
    pub(super) api: Api,
    pub(super) calls: CallRecord,
    pub(super) limit: Duration,
}

impl RecordedApi {
    /// `limit`: time in which a call must be answered.
    pub fn new(address: Address, token: &str, calls: CallRecord, limit: Duration) -> Self {
        Self {
            api: Api::new(address, token),
            calls,
            limit,
        }
    }

    /// Whose calls these are.
    pub fn calls(&self) -> &CallRecord {
        &self.calls
    }

    /// The same connection without a record, for what needs none.
    pub fn plain(&self) -> &Api {
        &self.api
    }

    /// `POST /api/chat/create-or-get`.
    pub async fn create_or_get(
        &self,
        body: &CreateOrGet,
        key: Option<&str>,
    ) -> Asked<CreateOrGetResult> {
        let change = change(Action::Create, None, key);
        let path = "/api/chat/create-or-get";
        let record = |open: OpenCall, data: &CreateOrGetResult, answer| {
            self.see(&data.thread);
            open.changed(data.thread.id, data.created.then_some(1), answer);
        };
        self.ask(&change, (Method::POST, path), Some(body), record)
            .await
    }

    /// `POST /api/chat/start-conversation`, with a client id: recorded as a send to people.
    pub async fn start_conversation(
        &self,
        body: &StartConversation,
        key: Option<&str>,
    ) -> Asked<StartConversationResult> {
        let change = Change {
            client_id: body.client_id,
            content: Some(&body.message_content),
            ..change(Action::Send, None, key)
        };
        let path = "/api/chat/start-conversation";
        let record = |open: OpenCall, data: &StartConversationResult, answer| {
            self.see(&data.thread);
            open.sent(&data.message, false, unless_gone(&data.message, answer));
        };
        self.ask(&change, (Method::POST, path), Some(body), record)
            .await
    }

    /// `POST …/messages`.
    pub async fn send(
        &self,
        thread: ThreadId,
        body: &SendMessage,
        key: Option<&str>,
    ) -> Asked<SendResult> {
        let change = Change {
            client_id: Some(body.client_id),
            content: Some(&body.content),
            ..change(Action::Send, Some(thread), key)
        };
        let path = format!("/api/chat/threads/{thread}/messages");
        let record = |open: OpenCall, data: &SendResult, answer| {
            open.sent(
                &data.message,
                data.duplicate,
                unless_gone(&data.message, answer),
            );
        };
        self.ask(&change, (Method::POST, &path), Some(body), record)
            .await
    }

    /// `PATCH …/messages/{message_id}`. Give it words that nobody wrote before.
    pub async fn edit(
        &self,
        message: &Target,
        content: &str,
        key: Option<&str>,
    ) -> Asked<MessageResult> {
        let body = EditMessage {
            content: content.to_owned(),
        };
        let change = Change {
            content: Some(content),
            ..about(Action::Edit, message, key)
        };
        let at = (Method::PATCH, &*message.path());
        self.ask(&change, at, Some(&body), changed(message.thread))
            .await
    }

    /// `DELETE …/messages/{message_id}`.
    pub async fn delete(&self, message: &Target, key: Option<&str>) -> Asked<MessageResult> {
        let change = about(Action::Delete, message, key);
        let record = |open: OpenCall, data: &MessageResult, answer| {
            open.changed(message.thread, Some(data.message.rev), answer);
        };
        let at = (Method::DELETE, &*message.path());
        self.ask(&change, at, None::<&()>, record).await
    }

    /// `PUT …/reactions/{emoji}`.
    pub async fn react(
        &self,
        message: &Target,
        emoji: &str,
        key: Option<&str>,
    ) -> Asked<MessageResult> {
        let change = about(Action::React, message, key);
        let path = format!("{}/reactions/{}", message.path(), percent_encoded(emoji));
        let at = (Method::PUT, &*path);
        self.ask(&change, at, None::<&()>, changed(message.thread))
            .await
    }

    /// `DELETE …/reactions/{emoji}`.
    pub async fn unreact(
        &self,
        message: &Target,
        emoji: &str,
        key: Option<&str>,
    ) -> Asked<MessageResult> {
        let change = about(Action::Unreact, message, key);
        let path = format!("{}/reactions/{}", message.path(), percent_encoded(emoji));
        let at = (Method::DELETE, &*path);
        self.ask(&change, at, None::<&()>, changed(message.thread))
            .await
    }

    /// `POST …/expand` without a welcome.
    pub async fn expand(
        &self,
        thread: ThreadId,
        body: &Expand,
        key: Option<&str>,
    ) -> Asked<ExpandResult> {
        let change = Change {
            person: body.new_participants.first(),
            ..change(Action::Add, Some(thread), key)
        };
        let path = format!("/api/chat/threads/{thread}/expand");
        let record = |open: OpenCall, data: &ExpandResult, answer| {
            let came = !data.added_participants.is_empty();
            open.changed(thread, came.then_some(data.thread.last_rev), answer);
        };
        self.ask(&change, (Method::POST, &path), Some(body), record)
            .await
    }

    /// `DELETE …/participants/{user_id}`, apart from other groups of the same people.
    pub async fn remove(
        &self,
        thread: ThreadId,
        person: &UserId,
        key: Option<&str>,
    ) -> Asked<ThreadResult> {
        let change = Change {
            person: Some(person),
            ..change(Action::Remove, Some(thread), key)
        };
        let person = percent_encoded(person.as_str());
        let path =
            format!("/api/chat/threads/{thread}/participants/{person}?on_conflict=keep_separate");
        let at = (Method::DELETE, &*path);
        self.ask(&change, at, None::<&()>, changed_thread).await
    }

    /// `POST …/leave`.
    pub async fn leave(&self, thread: ThreadId, key: Option<&str>) -> Asked<LeaveResult> {
        let change = change(Action::Leave, Some(thread), key);
        let path = format!("/api/chat/threads/{thread}/leave");
        let record = |open: OpenCall, _: &LeaveResult, answer| open.changed(thread, None, answer);
        self.ask(&change, (Method::POST, &path), None::<&()>, record)
            .await
    }

    /// `POST …/participants/{user_id}/role`.
    pub async fn role(
        &self,
        thread: ThreadId,
        person: &UserId,
        role: Role,
        key: Option<&str>,
    ) -> Asked<ThreadResult> {
        let change = Change {
            person: Some(person),
            ..change(Action::Role, Some(thread), key)
        };
        let person = percent_encoded(person.as_str());
        let path = format!("/api/chat/threads/{thread}/participants/{person}/role");
        let body = ChangeRole { role };
        self.ask(&change, (Method::POST, &path), Some(&body), changed_thread)
            .await
    }

    /// `PATCH …`: another title.
    pub async fn title(
        &self,
        thread: ThreadId,
        title: &str,
        key: Option<&str>,
    ) -> Asked<ThreadResult> {
        let change = Change {
            content: Some(title),
            ..change(Action::Title, Some(thread), key)
        };
        let body = ChangeThread {
            title: Some(title.to_owned()),
            ..ChangeThread::default()
        };
        let path = format!("/api/chat/threads/{thread}");
        self.ask(&change, (Method::PATCH, &path), Some(&body), changed_thread)
            .await
    }

    /// `PATCH …`: what newcomers see.
    pub async fn history(
        &self,
        thread: ThreadId,
        history: History,
        key: Option<&str>,
    ) -> Asked<ThreadResult> {
        let change = change(Action::Settings, Some(thread), key);
        let settings = SettingsChange {
            history: Some(history),
            ..SettingsChange::default()
        };
        let body = ChangeThread {
            settings: Some(settings),
            ..ChangeThread::default()
        };
        let path = format!("/api/chat/threads/{thread}");
        self.ask(&change, (Method::PATCH, &path), Some(&body), changed_thread)
            .await
    }

    /// `POST …/read`.
    pub async fn mark_read(
        &self,
        thread: ThreadId,
        seq: Seq,
        key: Option<&str>,
    ) -> Asked<ReadResult> {
        let change = Change {
            seq,
            ..change(Action::Mark, Some(thread), key)
        };
        let path = format!("/api/chat/threads/{thread}/read");
        let record = |open: OpenCall, data: &ReadResult, answer| open.marked(data.read_seq, answer);
        self.ask(
            &change,
            (Method::POST, &path),
            Some(&MarkRead { seq }),
            record,
        )
        .await
    }

    /// The epoch of a thread is known from its answers.
    fn see(&self, thread: &Thread) {
        self.calls.recorder().thread(thread.id, thread.epoch);
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        change: &Change<'_>,
        (method, path): (Method, &str),
        body: Option<&impl Serialize>,
        record: impl FnOnce(OpenCall, &T, u64),
    ) -> Asked<T> {
        let open = self.calls.begin(change);
        let call = self.api.ask(method, path, body, change.idempotency_key);
        let answer = match timeout(self.limit, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                open.unknown(LOST);
                return Err(CallError::Unknown);
            }
            Err(_) => {
                open.unknown(TIMED_OUT);
                return Err(CallError::Unknown);
            }
        };
        let has_key = change.idempotency_key.is_some();
        let fingerprint = if has_key {
            fingerprint_of_answer(&answer)
        } else {
            0
        };
        match answer.read::<T>() {
            Ok(reply) => {
                record(open, &reply.data, fingerprint);
                Ok(reply)
            }
            Err(ApiError::Refused(problem)) => {
                let is_stored = STORED.contains(&problem.code);
                open.refused(&problem, if is_stored { fingerprint } else { 0 });
                Err(CallError::Refused(problem))
            }
            Err(_) => {
                open.unknown(0);
                Err(CallError::Unknown)
            }
        }
    }
}

fn change(action: Action, thread: Option<ThreadId>, key: Option<&str>) -> Change<'_> {
    Change {
        action,
        thread,
        idempotency_key: key,
        ..Change::default()
    }
}

fn about<'a>(action: Action, message: &Target, key: Option<&'a str>) -> Change<'a> {
    Change {
        seq: message.seq,
        ..change(action, Some(message.thread), key)
    }
}

/// A message that a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub thread: ThreadId,
    /// Which.
    pub id: MessageId,
    /// Its place.
    pub seq: Seq,
}

impl Target {
    /// A message.
    pub fn of(message: &Message) -> Self {
        Self {
            thread: message.thread_id,
            id: message.id,
            seq: message.seq,
        }
    }

    fn path(&self) -> String {
        format!("/api/chat/threads/{}/messages/{}", self.thread, self.id)
    }
}

fn changed(thread: ThreadId) -> impl FnOnce(OpenCall, &MessageResult, u64) {
    move |open, data, answer| {
        let message = &data.message;
        // The replay of an earlier change shows a tombstone with the rev of the deletion, which is not its own.
        let is_others = message.deleted_at.is_some() && !open.is_deletion();
        let newest = (!is_others).then_some(message.rev);
        open.changed(thread, newest, unless_gone(message, answer));
    }
}

fn changed_thread(open: OpenCall, data: &ThreadResult, answer: u64) {
    open.changed(data.thread.id, Some(data.thread.last_rev), answer);
}

/// Words that are deleted are deleted from stored answers as well (P-IDEM-6): such an answer is not compared.
fn unless_gone(message: &Message, answer: u64) -> u64 {
    if message.deleted_at.is_some() {
        0
    } else {
        answer
    }
}

/// Of status and body. A thread's last message is left out: its words may be deleted before the answer is replayed.
fn fingerprint_of_answer(answer: &Answer) -> u64 {
    let mut body = answer.body.clone();
    if let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&body)
        && let Some(thread) = value
            .pointer_mut("/data/thread")
            .and_then(|it| it.as_object_mut())
    {
        thread.remove("last_message");
        body = value.to_string().into_bytes();
    }
    fingerprint_of([answer.status.to_le_bytes().as_slice(), &body])
}
