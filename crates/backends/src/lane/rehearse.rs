//! What commands would ask for: decided on a copy of the rows, for nothing but the keys.

use std::panic::{AssertUnwindSafe, catch_unwind};

use semel_core::{Context, Key, Rows, execute, ports::Renderer};

use super::Job;
use crate::keys::single_keys;

/// The keys that the commands lack, each its first ones. Commands that lack none are of use to those after them.
pub(super) fn rehearse(
    jobs: &[Job],
    rows: &Rows,
    context: &Context<'_>,
    renderer: &dyn Renderer,
) -> Vec<Key> {
    let mut rows = rows.clone();
    let mut missing = Vec::new();
    for job in jobs {
        let context = Context {
            seed: job.seed,
            ..*context
        };
        let decide = AssertUnwindSafe(|| execute(&job.command, &mut rows, &context, renderer));
        match catch_unwind(decide) {
            Ok(Ok(_)) => {}
            Ok(Err(key)) => missing.extend(single_keys(key)),
            // It panics again when it is decided for good, and is answered then.
            Err(_) => rows.undo(),
        }
    }
    missing
}
