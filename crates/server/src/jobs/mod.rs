//! What the server does by itself, from time to time.

mod prune_answers;

pub use prune_answers::{PruneAnswersEvery, prune_answers, prune_answers_now};
