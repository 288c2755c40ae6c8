//! Removes stored answers that have expired.

use semel_protocol::{Timestamp, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop, rows::List};

/// Removes stored answers that have expired. A job of the server, repeated until nothing is left.
#[derive(Clone, Debug)]
pub struct PruneAnswers {
    /// Made before this time.
    pub before: Timestamp,
    /// At most so many at once.
    pub limit: usize,
}

impl PruneAnswers {
    fn key(&self) -> Key {
        Key::AnswersBefore(self.before, self.limit)
    }

    pub(super) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(self.key());
    }

    pub(super) fn decide(&self, _scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let List::Answers(expired) = rows.list(&self.key())? else {
            return Err(Stop::NotLoaded(self.key()));
        };
        // An answer may have been renewed earlier in this batch: what counts is the row.
        let expired = Rows::gather(expired.clone(), |key| {
            let row = rows.answer(&key.0, &key.1)?;
            Ok(row
                .is_some_and(|row| row.created_at < self.before)
                .then_some(key))
        })?;
        let expired: Vec<_> = expired.into_iter().flatten().collect();
        let count = expired.len();
        for key in expired {
            rows.answers.put(key, None);
        }
        Ok(Outcome::Pruned(count))
    }
}
