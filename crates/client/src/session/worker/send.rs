//! Writing messages and reading what became of them.

use std::sync::atomic::Ordering;

use semel_protocol::{
    ClientId, Problem,
    message::SendResult,
    requests::{SendMessage, StartConversation},
    socket::{Ack, SendBatch, SendOne, from_client},
    thread::{BatchItem, BatchResult, StartConversationResult},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{End, Worker, feed, wait};
use crate::{
    Attempt, Destination, Link, Note, Outcome, Payload, SendError, Stored, TransportError,
    outbox::{Item, Rest},
    session::Waiter,
};

type Answer = Result<Stored, SendError>;

/// What an answer says of the messages that it is about.
struct Verdict {
    /// Of the first ones: final.
    settled: Vec<Answer>,
    /// Of the others: what stood in their way. None when there are no others.
    unsettled: Option<Box<Problem>>,
}

impl Worker {
    /// Writes everything that may go now.
    pub(super) async fn pump(&mut self, link: &mut dyn Link) -> Result<(), TransportError> {
        if !self.is_named {
            return Ok(());
        }
        let mut wrote = false;
        while let Some((destination, items)) = self.outbox.next() {
            for item in &mut *items {
                item.attempts += 1;
                if let Some(witness) = &self.options.witness {
                    let attempt = Attempt {
                        client_id: item.message.client_id,
                        destination,
                        content: &item.message.content,
                        number: item.attempts,
                        in_order: matches!(destination, Destination::Thread(_)),
                    };
                    item.attempt = Some(witness.attempt(&attempt));
                }
            }
            let count = items.len();
            let counter = &self.counters.attempts;
            counter.fetch_add(count as u64, Ordering::Relaxed);
            let id = write(link, destination, items).await?;
            self.outbox.sent(id, count);
            wrote = true;
        }
        if wrote { link.flush().await } else { Ok(()) }
    }

    pub(super) async fn take_answer(&mut self, id: u64, payload: &Payload) -> Result<(), End> {
        let Some((destination, items)) = self.outbox.on_its_way(id) else {
            return Ok(());
        };
        let verdict = read_answer(payload, destination, items);
        if let Some(witness) = &self.options.witness {
            for (n, item) in items.iter_mut().enumerate() {
                if let Some(attempt) = item.attempt.take() {
                    witness.outcome(attempt, verdict.outcome(n));
                }
            }
        }
        let attempts = items.first().map_or(0, |item| item.attempts);
        let client_ids = items.iter().map(|item| item.message.client_id);
        let settled = client_ids.zip(&verdict.settled);
        let (stored, refused): (Vec<_>, Vec<_>) = settled.partition(|(_, answer)| answer.is_ok());
        let rest = self.rest_after(&verdict, attempts);
        // Only now, when the whole answer was read, may a message leave what is kept.
        if !stored.is_empty() {
            self.options.store.acknowledged(&ids(stored)).await?;
        }
        if !refused.is_empty() {
            self.options.store.forget(&ids(refused)).await?;
        }
        let count = verdict.settled.len();
        let settled = self.outbox.settle(id, count, rest, Instant::now());
        for (item, answer) in settled.into_iter().zip(verdict.settled) {
            self.tell(item, answer).await;
        }
        Ok(())
    }

    fn rest_after(&self, verdict: &Verdict, attempts: u32) -> Rest {
        match &verdict.unsettled {
            None => Rest::Now,
            Some(problem) if problem.code.is_retryable() => {
                let told = problem.retry_after_ms.map(wait);
                Rest::After(told.unwrap_or_else(|| self.pause(attempts)))
            }
            Some(_) => Rest::Apart,
        }
    }

    async fn tell(&self, item: Item<Waiter>, answer: Answer) {
        let unheard = match item.waiter {
            Some(waiter) => waiter.send(answer).err(),
            None => Some(answer),
        };
        if let Some(answer) = unheard {
            let client_id = item.message.client_id;
            let answer = answer.map(Box::new);
            self.note(Note::Answered { client_id, answer }).await;
        }
    }
}

impl Verdict {
    /// Of the `n`th message.
    fn outcome(&self, n: usize) -> Outcome<'_> {
        match (self.settled.get(n), &self.unsettled) {
            (Some(Ok(stored)), _) => Outcome::Stored(stored),
            (Some(Err(SendError::Refused(problem))), _) | (None, Some(problem)) => {
                Outcome::Refused(problem)
            }
            (Some(Err(_)) | None, _) => Outcome::Unreadable,
        }
    }
}

fn ids(of: Vec<(ClientId, &Answer)>) -> Vec<ClientId> {
    of.into_iter().map(|(client_id, _)| client_id).collect()
}

async fn write(
    link: &mut dyn Link,
    destination: &Destination,
    items: &[Item<Waiter>],
) -> Result<u64, TransportError> {
    let name = from_client::MESSAGE_SEND;
    match (destination, items) {
        (Destination::Thread(thread_id), [one]) => {
            let send = SendOne {
                thread_id: *thread_id,
                client_id: one.message.client_id,
                content: one.message.content.clone(),
                kind: None,
                reply_to: None,
                attachments: Vec::new(),
            };
            feed(link, name, &send).await
        }
        (Destination::Thread(thread_id), items) => {
            let send = |item: &Item<Waiter>| SendMessage {
                client_id: item.message.client_id,
                content: item.message.content.clone(),
                kind: None,
                reply_to: None,
                attachments: Vec::new(),
            };
            let batch = SendBatch {
                thread_id: *thread_id,
                messages: items.iter().map(send).collect(),
            };
            feed(link, name, &batch).await
        }
        (
            Destination::People {
                participants,
                thread_type,
            },
            items,
        ) => {
            let one = items.first().map(|item| &item.message);
            let start = StartConversation {
                participants: participants.clone(),
                message_content: one.map_or_else(String::new, |one| one.content.clone()),
                thread_type: Some(*thread_type),
                title: None,
                client_id: one.map(|one| one.client_id),
                distinct: None,
            };
            feed(link, name, &start).await
        }
    }
}

fn read_answer(payload: &Payload, destination: &Destination, items: &[Item<Waiter>]) -> Verdict {
    let attempts = |n: usize| items.get(n).map_or(0, |item| item.attempts);
    match (destination, items.len()) {
        (Destination::People { .. }, _) => {
            Verdict::of_one(read(payload).map(|result: StartConversationResult| Stored {
                message: result.message,
                is_duplicate: None,
                is_existing_thread: Some(result.is_existing_thread),
                attempts: attempts(0),
            }))
        }
        (Destination::Thread(_), 1) => {
            Verdict::of_one(read(payload).map(|result| stored(result, attempts(0))))
        }
        (Destination::Thread(_), count) => match read(payload) {
            Ok(BatchResult { results }) => Verdict::of_batch(results, count, attempts),
            Err(SendError::Refused(problem)) => Verdict {
                settled: Vec::new(),
                unsettled: Some(problem),
            },
            Err(error) => Verdict {
                settled: vec![Err(error); count],
                unsettled: None,
            },
        },
    }
}

impl Verdict {
    fn of_one(answer: Answer) -> Self {
        match answer {
            Err(SendError::Refused(problem)) if problem.code.is_retryable() => Self {
                settled: Vec::new(),
                unsettled: Some(problem),
            },
            answer => Self {
                settled: vec![answer],
                unsettled: None,
            },
        }
    }

    /// A result for each message up to the first that may be tried again; those behind it were not tried.
    fn of_batch(results: Vec<BatchItem>, count: usize, attempts: impl Fn(usize) -> u32) -> Self {
        let mut settled = Vec::with_capacity(count);
        for (n, result) in results.into_iter().take(count).enumerate() {
            settled.push(match result {
                BatchItem::Success { data } => Ok(stored(data, attempts(n))),
                BatchItem::Error { error } if error.code.is_retryable() => {
                    return Self {
                        settled,
                        unsettled: Some(Box::new(error)),
                    };
                }
                BatchItem::Error { error } => Err(SendError::Refused(Box::new(error))),
            });
        }
        let missing = SendError::Unexpected("the answer has too few results".to_owned());
        settled.resize(count, Err(missing));
        Self {
            settled,
            unsettled: None,
        }
    }
}

fn stored(result: SendResult, attempts: u32) -> Stored {
    Stored {
        message: result.message,
        is_duplicate: Some(result.duplicate),
        is_existing_thread: None,
        attempts,
    }
}

fn read<T: DeserializeOwned>(payload: &Payload) -> Result<T, SendError> {
    match payload.parse::<Ack<T>>() {
        Ok(Ack::Success { data }) => Ok(data),
        Ok(Ack::Error { error }) => Err(SendError::Refused(error)),
        Err(error) => Err(SendError::Unexpected(error.to_string())),
    }
}
