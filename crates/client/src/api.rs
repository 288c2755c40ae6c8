//! The HTTP calls, over one connection that is kept alive.

use std::fmt::Write as _;

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use semel_protocol::{
    Problem, Rev, Seq, ThreadId, UserId,
    entry::EntryPage,
    message::{MessagePage, SendResult},
    requests::{ChangeThread, CreateOrGet, Expand, SendMessage, StartConversation},
    sync::Cursor,
    thread::{CreateOrGetResult, ExpandResult, StartConversationResult, ThreadPage, ThreadResult},
    user::{ProfileChange, UserResult},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{net::TcpStream, sync::Mutex};

use crate::Address;

/// Calls in one person's name. Calls wait for each other: one connection, one call at a time.
pub struct Api {
    address: Address,
    authorization: String,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// HTTP status.
    pub status: u16,
    /// Whether it is the stored answer to an earlier request with this idempotency key.
    pub is_replay: bool,
    /// What was asked for.
    pub data: T,
}

impl<T> Reply<T> {
    /// The same answer with something else of its data.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reply<U> {
        Reply {
            status: self.status,
            is_replay: self.is_replay,
            data: change(self.data),
        }
    }
}

/// An answer as it came, success or refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Whether it is the stored answer to an earlier request with this idempotency key.
    pub is_replay: bool,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// Why a call has no successful answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The server cannot be reached, or the connection broke. Whether the call took effect is not known; repeating it
    /// with the same client id or idempotency key is safe.
    #[error("the server did not answer")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused.
    #[error("the server refused: {} ({})", .0.detail, .0.code)]
    Refused(Box<Problem>),
    /// The answer is not what was expected.
    #[error("the answer with status {status} cannot be read")]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl ApiError {
    /// The server's refusal, if it is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::Connection(_) | Self::Unexpected { .. } => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Refused(problem) => problem.code.is_retryable(),
            Self::Unexpected { .. } => false,
        }
    }

    fn connection(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Connection(source.into())
    }
}

#[derive(Deserialize)]
struct Success<T> {
    data: T,
}

type Called<T> = Result<Reply<T>, ApiError>;

impl Api {
    /// Calls with a token. Connects when first needed.
    pub fn new(address: Address, token: &str) -> Self {
        let authorization = format!("Bearer {token}");
        Self {
            address,
            authorization,
            connection: Mutex::new(None),
        }
    }

    /// `POST /api/chat/create-or-get`.
    pub async fn create_or_get(&self, body: &CreateOrGet) -> Called<CreateOrGetResult> {
        self.call(Method::POST, "/api/chat/create-or-get", Some(body), None)
            .await
    }

    /// `POST /api/chat/start-conversation`.
    pub async fn start_conversation(
        &self,
        body: &StartConversation,
        idempotency_key: Option<&str>,
    ) -> Called<StartConversationResult> {
        self.call(
            Method::POST,
            "/api/chat/start-conversation",
            Some(body),
            idempotency_key,
        )
        .await
    }

    /// `POST /api/chat/threads/{thread_id}/expand`.
    pub async fn expand(
        &self,
        thread: ThreadId,
        body: &Expand,
        idempotency_key: Option<&str>,
    ) -> Called<ExpandResult> {
        let path = format!("/api/chat/threads/{thread}/expand");
        self.call(Method::POST, &path, Some(body), idempotency_key)
            .await
    }

    /// `POST /api/chat/threads/{thread_id}/messages`.
    pub async fn send(
        &self,
        thread: ThreadId,
        body: &SendMessage,
        idempotency_key: Option<&str>,
    ) -> Called<SendResult> {
        let path = format!("/api/chat/threads/{thread}/messages");
        self.call(Method::POST, &path, Some(body), idempotency_key)
            .await
    }

    /// `PATCH /api/chat/threads/{thread_id}`.
    pub async fn change_thread(
        &self,
        thread: ThreadId,
        body: &ChangeThread,
    ) -> Called<ThreadResult> {
        self.call(
            Method::PATCH,
            &format!("/api/chat/threads/{thread}"),
            Some(body),
            None,
        )
        .await
    }

    /// `GET /api/chat/threads`.
    pub async fn threads(&self, cursor: Option<&str>) -> Called<ThreadPage> {
        let query = cursor
            .map(|cursor| format!("?cursor={cursor}"))
            .unwrap_or_default();
        self.get(&format!("/api/chat/threads{query}")).await
    }

    /// `GET /api/chat/threads/{thread_id}`.
    pub async fn thread(&self, thread: ThreadId) -> Called<ThreadResult> {
        self.get(&format!("/api/chat/threads/{thread}")).await
    }

    /// `GET /api/chat/threads/{thread_id}/messages` after a place.
    pub async fn messages_after(
        &self,
        thread: ThreadId,
        after: Seq,
        limit: usize,
    ) -> Called<MessagePage> {
        let query = format!("after_seq={after}&limit={limit}");
        self.get(&format!("/api/chat/threads/{thread}/messages?{query}"))
            .await
    }

    /// `GET /api/chat/threads/{thread_id}/messages`: the newest.
    pub async fn newest_messages(&self, thread: ThreadId) -> Called<MessagePage> {
        self.get(&format!("/api/chat/threads/{thread}/messages"))
            .await
    }

    /// `GET /api/chat/threads/{thread_id}/entries` after a rev, of whatever log the thread has now.
    pub async fn entries(&self, thread: ThreadId, after: Rev, limit: usize) -> Called<EntryPage> {
        let (chain, epoch) = (None, None);
        let after = Cursor {
            rev: after,
            chain,
            epoch,
        };
        self.entries_after(thread, &after, limit).await
    }

    /// Entries after a rev up to another one: any part of a log, however long that is.
    pub async fn entries_between(
        &self,
        thread: ThreadId,
        (after, until): (Rev, Rev),
        limit: usize,
    ) -> Called<EntryPage> {
        let query = format!("after_rev={after}&until_rev={until}&limit={limit}");
        self.get(&format!("/api/chat/threads/{thread}/entries?{query}"))
            .await
    }

    /// The same after a place in a log: `too_old` when the thread has another log now.
    pub async fn entries_after(
        &self,
        thread: ThreadId,
        after: &Cursor,
        limit: usize,
    ) -> Called<EntryPage> {
        let mut query = format!("after_rev={}&limit={limit}", after.rev);
        if let Some(epoch) = after.epoch {
            let _ = write!(query, "&epoch={epoch}");
        }
        if let Some(chain) = &after.chain {
            let _ = write!(query, "&chain={chain}");
        }
        self.get(&format!("/api/chat/threads/{thread}/entries?{query}"))
            .await
    }

    /// `PATCH /api/users/me`: makes the person of the token, and names them.
    pub async fn change_profile(&self, body: &ProfileChange) -> Called<UserResult> {
        self.call(Method::PATCH, "/api/users/me", Some(body), None)
            .await
    }

    /// `PUT /api/users/{user_id}`, by an operator.
    pub async fn upsert_user(&self, user: &UserId, body: &ProfileChange) -> Called<UserResult> {
        let path = format!("/api/users/{}", percent_encoded(user.as_str()));
        self.call(Method::PUT, &path, Some(body), None).await
    }

    /// `GET /api/users/{user_id}`.
    pub async fn user(&self, user: &UserId) -> Called<UserResult> {
        self.get(&format!("/api/users/{}", percent_encoded(user.as_str())))
            .await
    }

    /// Any `GET`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Called<T> {
        self.call(Method::GET, path, None::<&()>, None).await
    }

    /// Any call with a JSON body.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        idempotency_key: Option<&str>,
    ) -> Called<T> {
        let answer = self.ask(method, path, body, idempotency_key).await?;
        answer.read()
    }

    /// Any call with a JSON body; the answer as it came. The only error is a broken connection.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address.authority)
            .header(header::AUTHORIZATION, &self.authorization);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", format!("\"{key}\""));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                serde_json::to_vec(body).map_err(ApiError::connection)?
            }
            None => Vec::new(),
        };
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(ApiError::connection)?;
        let (head, body) = self.exchange(request).await?;
        let replayed = head.headers.get("Idempotent-Replayed");
        Ok(Answer {
            status: head.status.as_u16(),
            is_replay: replayed.is_some_and(|value| value == "true"),
            body: body.to_vec(),
        })
    }

    /// A connection is put back only after a whole answer: a call that was dropped half-way leaves none behind.
    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(hyper::http::response::Parts, Bytes), ApiError> {
        let mut slot = self.connection.lock().await;
        let mut connection = match slot.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.connect().await?,
        };
        connection.ready().await.map_err(ApiError::connection)?;
        let response: hyper::Response<Incoming> = connection
            .send_request(request)
            .await
            .map_err(ApiError::connection)?;
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(ApiError::connection)?
            .to_bytes();
        *slot = Some(connection);
        Ok((head, body))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ApiError> {
        let stream = TcpStream::connect(&self.address.authority).await;
        let stream = stream.map_err(ApiError::connection)?;
        stream.set_nodelay(true).map_err(ApiError::connection)?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(ApiError::connection)?;
        // Ends with the connection; its error is told to the call that waits.
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl Answer {
    /// Reads it: a refusal becomes an error.
    pub fn read<T: DeserializeOwned>(&self) -> Called<T> {
        let status = self.status;
        let unexpected = |source| ApiError::Unexpected { status, source };
        if !(200..300).contains(&status) {
            let problem = serde_json::from_slice(&self.body).map_err(unexpected)?;
            return Err(ApiError::Refused(Box::new(problem)));
        }
        let Success { data } = serde_json::from_slice(&self.body).map_err(unexpected)?;
        Ok(Reply {
            status,
            is_replay: self.is_replay,
            data,
        })
    }
}

/// A text as one segment of a path.
pub fn percent_encoded(text: &str) -> String {
    let unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let encoded = |byte| match byte {
        plain if unreserved(plain) => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_one_segment_of_a_path() {
        assert_eq!(percent_encoded("-1"), "-1");
        assert_eq!(percent_encoded("a/b|é"), "a%2Fb%7C%C3%A9");
    }
}
