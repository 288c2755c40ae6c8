//! Refusals and failures as problems.

use semel_core::{Refusal, ports::LedgerError};
use semel_protocol::{Code, Problem};

/// When to try again after the store failed, in milliseconds.
const STORE_RETRY_MS: u64 = 2_000;
/// When to try again after too many commands waited, in milliseconds.
const OVERLOAD_RETRY_MS: u64 = 500;

/// An expected "no".
pub fn from_refusal(refusal: &Refusal, request_id: &str) -> Problem {
    Problem {
        errors: refusal.errors.clone(),
        user_ids: refusal.user_ids.clone(),
        existing_thread_id: refusal.existing_thread_id,
        retry_after_ms: refusal.retry_after_ms,
        ..Problem::new(refusal.code, refusal.detail.clone(), request_id)
    }
}

/// A store that did not answer. The texts are constant: the cause is for the log.
pub fn from_ledger(error: &LedgerError, request_id: &str) -> Problem {
    let (code, detail, retry_after_ms) = match error {
        LedgerError::Unavailable(_) => (
            Code::StoreUnavailable,
            "the store does not answer; nothing was done",
            STORE_RETRY_MS,
        ),
        LedgerError::OutcomeUnknown(_) => (
            Code::OutcomeUnknown,
            "the store did not say whether this took effect; repeating is safe",
            STORE_RETRY_MS,
        ),
        LedgerError::Overloaded => (
            Code::Overloaded,
            "too many requests wait; nothing was done",
            OVERLOAD_RETRY_MS,
        ),
        LedgerError::Closing => (
            Code::ShuttingDown,
            "the server is stopping; nothing was done",
            STORE_RETRY_MS,
        ),
        LedgerError::Internal(_) => (
            Code::Internal,
            "something went wrong inside",
            STORE_RETRY_MS,
        ),
    };
    Problem {
        retry_after_ms: Some(retry_after_ms),
        ..Problem::new(code, detail, request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stay_inside() {
        let cause = || "disk I/O error at /var/lib/x".to_owned();
        for error in [
            LedgerError::Unavailable(cause()),
            LedgerError::OutcomeUnknown(cause()),
            LedgerError::Internal(cause()),
        ] {
            let problem = from_ledger(&error, "r");
            assert!(problem.status >= 500, "{problem:?}");
            assert!(problem.code.is_retryable() && problem.retry_after_ms.is_some());
            assert!(!serde_json::to_string(&problem).unwrap().contains("/var"));
        }
    }
}
