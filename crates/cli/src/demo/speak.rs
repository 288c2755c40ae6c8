//! One line said, with what goes wrong on the way.

use std::{sync::Arc, time::Duration};

use semel_client::{ApiError, Destination, Reply, SendError, Stored};
use semel_core::ports::Clock;
use semel_protocol::{
    ClientId, Message, ThreadId, ThreadType, UserId,
    requests::{SendMessage, StartConversation},
};
use tokio::time::sleep;

use super::{
    person::Person,
    script::{Fault, Who},
    tally::{Tally, count},
};

/// Attempts of one HTTP call before it counts as failed.
const HTTP_ATTEMPTS_MAX: usize = 8;
/// Pause between them, in milliseconds.
const HTTP_PAUSE_MILLIS: u64 = 100;

/// A line, and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) place: Place,
    pub(super) client_id: ClientId,
    pub(super) text: String,
}

/// Where a line goes.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Channel(ThreadId),
    Alone(UserId),
}

/// Somebody with everything that they need to speak.
#[derive(Clone)]
pub(super) struct Speaker {
    pub(super) who: Who,
    pub(super) person: Arc<Person>,
    pub(super) tally: Arc<Tally>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Speaker {
    /// Says something. What has to be said again later is returned.
    pub(super) async fn say(&self, place: Place, text: String, fault: Fault) -> Option<Words> {
        let client_id = self.person.next_id(self.clock.as_ref());
        let words = Words {
            place,
            client_id,
            text,
        };
        let said = match fault {
            Fault::None | Fault::Later => self.over_socket(&words).await,
            Fault::Twice => {
                let (first, second) = tokio::join!(self.over_socket(&words), self.again(&words));
                same(first, second)
            }
            Fault::Cut => self.cut_short(&words).await,
            Fault::Keyed => self.keyed(&words).await,
        };
        match said {
            Ok(message) => {
                self.tally
                    .acknowledge(self.who, words.client_id, &words.text, &message);
                (fault == Fault::Later).then_some(words)
            }
            Err(reason) => {
                let who = &self.person.user_id;
                self.tally
                    .complain(format!("{who}: a message was not stored: {reason}"));
                None
            }
        }
    }

    /// Sends words that are stored already.
    pub(super) async fn repeat(&self, words: &Words) {
        if let Err(reason) = self.again(words).await {
            let who = &self.person.user_id;
            self.tally
                .complain(format!("{who}: a repeat was refused: {reason}"));
        }
    }

    async fn over_socket(&self, words: &Words) -> Result<Message, String> {
        let (destination, id, text) = (words.destination(), words.client_id, words.text.clone());
        self.took(self.person.session.send(destination, id, text).await)
    }

    async fn cut_short(&self, words: &Words) -> Result<Message, String> {
        let session = &self.person.session;
        let (destination, id, text) = (words.destination(), words.client_id, words.text.clone());
        let answer = session.enqueue(destination, id, text).await;
        session.cut().await;
        self.took(answer.await.unwrap_or(Err(SendError::Over)))
    }

    fn took(&self, stored: Result<Stored, SendError>) -> Result<Message, String> {
        let stored = stored.map_err(|error| error.to_string())?;
        if stored.is_duplicate == Some(true) {
            count(&self.tally.absorbed_by_client_id);
        }
        if stored.is_existing_thread == Some(true) {
            count(&self.tally.absorbed_by_people);
        }
        Ok(stored.message)
    }

    async fn again(&self, words: &Words) -> Result<Message, String> {
        self.over_http(words, None).await.map(|reply| reply.data)
    }

    /// Two requests with one key: the second must be the first one's answer again.
    async fn keyed(&self, words: &Words) -> Result<Message, String> {
        let key = words.client_id.to_string();
        let first = self.over_http(words, Some(&key)).await?;
        let second = self.over_http(words, Some(&key)).await?;
        if !second.is_replay || second.status != first.status {
            return Err(format!("request {key} was answered anew"));
        }
        same(Ok(first.data), Ok(second.data))
    }

    async fn over_http(&self, words: &Words, key: Option<&str>) -> Result<Reply<Message>, String> {
        let mut attempt = 0;
        loop {
            count(&self.tally.http_attempts);
            attempt += 1;
            match self.request(words, key).await {
                Ok(reply) => {
                    if reply.is_replay {
                        count(&self.tally.absorbed_by_key);
                    }
                    return Ok(reply);
                }
                Err(error) if error.is_retryable() && attempt < HTTP_ATTEMPTS_MAX => {
                    sleep(Duration::from_millis(HTTP_PAUSE_MILLIS)).await;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn request(&self, words: &Words, key: Option<&str>) -> Result<Reply<Message>, ApiError> {
        let (client_id, content) = (words.client_id, words.text.clone());
        match &words.place {
            Place::Channel(thread) => {
                let (kind, reply_to, attachments) = (None, None, Vec::new());
                let body = SendMessage {
                    client_id,
                    content,
                    kind,
                    reply_to,
                    attachments,
                };
                let reply = self.person.api.send(*thread, &body, key).await?;
                if reply.data.duplicate && !reply.is_replay {
                    count(&self.tally.absorbed_by_client_id);
                }
                Ok(reply.map(|result| result.message))
            }
            Place::Alone(other) => {
                let body = StartConversation {
                    participants: vec![other.clone()],
                    message_content: content,
                    thread_type: Some(ThreadType::Direct),
                    title: None,
                    client_id: Some(client_id),
                    distinct: None,
                };
                let reply = self.person.api.start_conversation(&body, key).await?;
                if reply.data.is_existing_thread && !reply.is_replay {
                    count(&self.tally.absorbed_by_people);
                }
                Ok(reply.map(|result| result.message))
            }
        }
    }
}

impl Words {
    fn destination(&self) -> Destination {
        match &self.place {
            Place::Channel(thread) => Destination::Thread(*thread),
            Place::Alone(other) => Destination::People {
                participants: vec![other.clone()],
                thread_type: ThreadType::Direct,
            },
        }
    }
}

/// Two answers to one client id must be one message.
fn same(
    first: Result<Message, String>,
    second: Result<Message, String>,
) -> Result<Message, String> {
    let (first, second) = (first?, second?);
    if (first.id, first.seq) != (second.id, second.seq) {
        return Err(format!(
            "one client id, two messages: {} and {}",
            first.id, second.id
        ));
    }
    Ok(first)
}
