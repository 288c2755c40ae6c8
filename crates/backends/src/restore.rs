//! What a database gets when it is brought back from a backup, in every engine.

use semel_core::ports::Entropy;
use uuid::Uuid;

/// Small enough that epochs stay exact in JavaScript through two million restores.
const EPOCH_STEP_MAX: u128 = 1 << 32;

/// A fresh name for a database.
pub(crate) fn new_incarnation(entropy: &dyn Entropy) -> String {
    Uuid::from_u128(entropy.seed()).to_string()
}

/// How far the epoch of every thread goes on. Every log goes on from an earlier place than devices may know, and gives
/// the same numbers to other entries: it becomes another one. The step is a random one, for a backup may be restored more
/// than once.
pub(crate) fn epoch_step(entropy: &dyn Entropy) -> i64 {
    (entropy.seed() % EPOCH_STEP_MAX) as i64 + 1
}
