//! Writing messages and reading what became of them.

use std::{sync::atomic::Ordering, time::Duration};

use semel_protocol::{
    ClientId,
    message::SendResult,
    requests::StartConversation,
    socket::{Ack, SendOne, from_client},
    thread::StartConversationResult,
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{Worker, feed};
use crate::{
    Attempt, Destination, Link, Note, Outcome, Payload, SendError, Stored, TransportError,
};

/// Pause before sending again what was refused for now, when the server does not say how long, in milliseconds.
const RETRY_MILLIS_DEFAULT: u64 = 200;

impl Worker {
    /// Writes every message that may go now.
    pub(super) async fn pump(&mut self, link: &mut dyn Link) -> Result<(), TransportError> {
        let mut wrote = false;
        while let Some((destination, item)) = self.outbox.next() {
            item.attempts += 1;
            if let Some(witness) = &self.options.witness {
                let attempt = Attempt {
                    client_id: item.client_id,
                    destination,
                    content: &item.content,
                    number: item.attempts,
                    in_order: matches!(destination, Destination::Thread(_)),
                };
                item.attempt = Some(witness.attempt(&attempt));
            }
            self.counters.attempts.fetch_add(1, Ordering::Relaxed);
            let id = write(link, destination, item.client_id, &item.content).await?;
            self.outbox.sent(id);
            wrote = true;
        }
        if wrote { link.flush().await } else { Ok(()) }
    }

    pub(super) async fn take_answer(&mut self, id: u64, payload: &Payload) {
        let Some(item) = self.outbox.get_mut(id) else {
            return;
        };
        let answer = read_answer(payload, item.attempts);
        if let (Some(witness), Some(attempt)) = (&self.options.witness, item.attempt.take()) {
            witness.outcome(attempt, outcome(&answer));
        }
        if let Err(SendError::Refused(problem)) = &answer
            && problem.code.is_retryable()
        {
            let wait =
                Duration::from_millis(problem.retry_after_ms.unwrap_or(RETRY_MILLIS_DEFAULT));
            self.outbox.pause(id);
            self.retry_at.get_or_insert(Instant::now() + wait);
            return;
        }
        if let Some(item) = self.outbox.settle(id)
            && let Err(answer) = item.waiter.send(answer)
        {
            let (client_id, answer) = (item.client_id, answer.map(Box::new));
            self.note(Note::Answered { client_id, answer }).await;
        }
    }
}

fn outcome(answer: &Result<Stored, SendError>) -> Outcome<'_> {
    match answer {
        Ok(stored) => Outcome::Stored(stored),
        Err(SendError::Refused(problem)) => Outcome::Refused(problem),
        Err(SendError::Unexpected(_) | SendError::Over) => Outcome::Unreadable,
    }
}

async fn write(
    link: &mut dyn Link,
    destination: &Destination,
    client_id: ClientId,
    content: &str,
) -> Result<u64, TransportError> {
    let content = content.to_owned();
    match destination {
        Destination::Thread(thread_id) => {
            let send = SendOne {
                thread_id: *thread_id,
                client_id,
                content,
                kind: None,
                reply_to: None,
                attachments: Vec::new(),
            };
            feed(link, from_client::MESSAGE_SEND, &send).await
        }
        Destination::People {
            participants,
            thread_type,
        } => {
            let start = StartConversation {
                participants: participants.clone(),
                message_content: content,
                thread_type: Some(*thread_type),
                title: None,
                client_id: Some(client_id),
                distinct: None,
            };
            feed(link, from_client::MESSAGE_SEND, &start).await
        }
    }
}

fn read_answer(payload: &Payload, attempts: u32) -> Result<Stored, SendError> {
    if payload.as_str().contains("\"is_existing_thread\":")
        && let Ok(result) = read::<StartConversationResult>(payload)
    {
        return Ok(Stored {
            message: result.message,
            is_duplicate: None,
            is_existing_thread: Some(result.is_existing_thread),
            attempts,
        });
    }
    let result = read::<SendResult>(payload)?;
    Ok(Stored {
        message: result.message,
        is_duplicate: Some(result.duplicate),
        is_existing_thread: None,
        attempts,
    })
}

fn read<T: DeserializeOwned>(payload: &Payload) -> Result<T, SendError> {
    match payload.parse::<Ack<T>>() {
        Ok(Ack::Success { data }) => Ok(data),
        Ok(Ack::Error { error }) => Err(SendError::Refused(error)),
        Err(error) => Err(SendError::Unexpected(error.to_string())),
    }
}
