//! Lets so many in at a time, and sends the others away with a time of their own to come again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use semel_core::ports::Entropy;

/// Those who are sent away come again after so many milliseconds, each at another time.
const RETRY_MS: std::ops::Range<u64> = 500..5_000;

/// Lets so many in at a time.
pub(super) struct Gate {
    inside: Arc<AtomicUsize>,
    most: usize,
    entropy: Arc<dyn Entropy>,
}

/// A place behind the gate.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(super) fn new(most: usize, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            inside: Arc::default(),
            most,
            entropy,
        }
    }

    /// A place; or after how many milliseconds to come again.
    pub(super) fn enter(&self) -> Result<Place, u64> {
        let before = self.inside.fetch_add(1, Ordering::Relaxed);
        // Dropped at once when there was none, which gives the count back.
        let place = Place(Arc::clone(&self.inside));
        if before < self.most {
            return Ok(place);
        }
        metrics::counter!("semel_admissions_refused_total").increment(1);
        let spread = u128::from(RETRY_MS.end - RETRY_MS.start);
        Err(RETRY_MS.start + (self.entropy.seed() % spread) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SystemEntropy;

    #[test]
    fn so_many_are_let_in_and_the_others_told_each_another_time() {
        let gate = Gate::new(2, Arc::new(SystemEntropy));
        let places = [gate.enter().ok().unwrap(), gate.enter().ok().unwrap()];
        let waits: std::collections::BTreeSet<u64> =
            (0..20).map(|_| gate.enter().err().unwrap()).collect();
        assert!(waits.len() > 10 && waits.iter().all(|wait| RETRY_MS.contains(wait)));
        drop(places);
        assert!(gate.enter().is_ok());
    }
}
