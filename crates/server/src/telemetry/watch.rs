//! Counts and logs what becomes of a command. Ids only: never content, never tokens.

use std::time::Instant;

use metrics::{counter, histogram};
use semel_core::{
    Command, Refusal, Reply,
    actions::{Absorbed, Outcome, Sent},
    ports::LedgerError,
};
use semel_protocol::Code;

use super::metrics::{
    COMMAND_SECONDS, COMMANDS, DUPLICATES_ABSORBED, IDEMPOTENCY, QUESTIONS_FAILED,
};

/// One command, from its arrival to its answer.
pub struct Watch {
    action: &'static str,
    has_key: bool,
    started: Instant,
}

impl Watch {
    /// A command arrived.
    pub fn start(command: &Command) -> Self {
        Self {
            action: command.action.name(),
            has_key: command.idempotency.is_some(),
            started: Instant::now(),
        }
    }

    /// The ledger answered.
    pub fn finish(self, reply: &Result<Reply, LedgerError>) {
        let seconds = self.started.elapsed().as_secs_f64();
        histogram!(COMMAND_SECONDS, "action" => self.action).record(seconds);
        let result = match reply {
            Ok(reply) => self.answered(reply),
            Err(error) => failed(self.action, error),
        };
        counter!(COMMANDS, "action" => self.action, "result" => result).increment(1);
    }

    fn answered(&self, reply: &Reply) -> &'static str {
        let Some(result) = &reply.result else {
            counter!(IDEMPOTENCY, "event" => "replayed").increment(1);
            absorbed("idempotency_key");
            tracing::debug!(action = self.action, "replayed");
            return "replayed";
        };
        if self.has_key && reply.answer.is_some() {
            counter!(IDEMPOTENCY, "event" => "stored").increment(1);
        }
        match result {
            Ok(outcome) => {
                outcome.absorbed().into_iter().map(layer).for_each(absorbed);
                log_outcome(self.action, outcome);
                "ok"
            }
            Err(refusal) => refused(self.action, refusal),
        }
    }
}

/// The store did not answer a question.
pub fn question_failed(error: &LedgerError) {
    counter!(QUESTIONS_FAILED).increment(1);
    if *error == LedgerError::Overloaded {
        tracing::warn!(%error, "question failed");
    } else {
        tracing::error!(%error, "question failed");
    }
}

fn refused(action: &'static str, refusal: &Refusal) -> &'static str {
    if refusal.code == Code::IdempotencyKeyReused {
        counter!(IDEMPOTENCY, "event" => "conflict").increment(1);
    }
    tracing::debug!(action, code = refusal.code.as_str(), "refused");
    refusal.code.as_str()
}

fn failed(action: &'static str, error: &LedgerError) -> &'static str {
    match error {
        LedgerError::Overloaded => {
            tracing::warn!(action, %error, "command failed");
            "overloaded"
        }
        LedgerError::Closing => {
            tracing::info!(action, %error, "command failed");
            "shutting_down"
        }
        LedgerError::Unavailable(_) => {
            tracing::error!(action, %error, "command failed");
            "store_unavailable"
        }
        LedgerError::OutcomeUnknown(_) => {
            tracing::error!(action, %error, "command failed");
            "outcome_unknown"
        }
        LedgerError::Internal(_) => {
            tracing::error!(action, %error, "command failed");
            "internal"
        }
    }
}

fn layer(guard: Absorbed) -> &'static str {
    match guard {
        Absorbed::ClientId => "client_id",
        Absorbed::ParticipantsKey => "participants_key",
    }
}

fn absorbed(layer: &'static str) {
    counter!(DUPLICATES_ABSORBED, "layer" => layer).increment(1);
}

/// With these ids a message can be followed from its send to its delivery. At `debug`: a line for every message would cost
/// more than the message.
fn log_outcome(action: &'static str, outcome: &Outcome) {
    match outcome {
        Outcome::Sent(sent) | Outcome::Conversation { sent, .. } => log_sent(action, sent),
        Outcome::SentBatch(results) => {
            results
                .iter()
                .flatten()
                .for_each(|sent| log_sent(action, sent));
        }
        Outcome::Message(message) => tracing::debug!(
            action,
            message_id = %message.id,
            thread_id = %message.thread_id,
            seq = message.seq,
            rev = message.rev,
            "committed"
        ),
        Outcome::Thread { thread, .. } | Outcome::Changed(thread) => {
            tracing::debug!(action, thread_id = %thread.thread.id, "committed");
        }
        Outcome::Expanded { thread, sent, .. } => {
            tracing::debug!(action, thread_id = %thread.thread.id, "committed");
            if let Some(sent) = sent {
                log_sent(action, sent);
            }
        }
        Outcome::Left(thread_id) => tracing::debug!(action, %thread_id, "committed"),
        Outcome::Pruned(removed) => {
            counter!(IDEMPOTENCY, "event" => "pruned").increment(*removed as u64);
        }
        Outcome::Existing(_)
        | Outcome::Own(_)
        | Outcome::Position { .. }
        | Outcome::User { .. }
        | Outcome::Findability(_)
        | Outcome::Found(_)
        | Outcome::Standing { .. }
        | Outcome::Removed
        | Outcome::Operator { .. }
        | Outcome::Reported(_)
        | Outcome::Erased { .. }
        | Outcome::EraseStep { .. }
        | Outcome::TellStep { .. }
        | Outcome::ExportStarted
        | Outcome::UploadCounted
        | Outcome::Resolved { .. }
        | Outcome::Invited(_)
        | Outcome::Picture { .. }
        | Outcome::SignedIn(_) => {
            tracing::debug!(action, "committed");
        }
    }
}

fn log_sent(action: &'static str, sent: &Sent) {
    tracing::debug!(
        action,
        message_id = %sent.message.id,
        thread_id = %sent.message.thread_id,
        client_id = ?sent.message.client_id,
        seq = sent.message.seq,
        rev = sent.message.rev,
        duplicate = sent.duplicate,
        "committed"
    );
}
