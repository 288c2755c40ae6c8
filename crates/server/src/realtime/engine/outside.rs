//! Sessions without a device: how many there may be, together and of one address, so that nobody keeps newcomers out.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::address::ClientAddress;

/// How many sessions may be without a device. They live for ten seconds at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutsideLimits {
    /// Together.
    pub(crate) all: usize,
    /// Of one address.
    pub(crate) of_one_address: usize,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<ClientAddress, usize>,
}

/// Sessions without a device.
#[derive(Debug)]
pub(super) struct Outside {
    limits: OutsideLimits,
    counts: Mutex<Counts>,
}

impl Outside {
    pub(super) fn new(limits: OutsideLimits) -> Self {
        Self {
            limits,
            counts: Mutex::default(),
        }
    }

    /// Counts one more; no when there are too many.
    pub(super) fn enter(&self, address: Option<ClientAddress>) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = address.and_then(|address| counts.by_address.get(&address));
        let is_full = counts.all >= self.limits.all
            || of_one.is_some_and(|count| *count >= self.limits.of_one_address);
        if !is_full {
            counts.add(address);
        }
        !is_full
    }

    /// Counts one that has lost its device.
    pub(super) fn return_to(&self, address: Option<ClientAddress>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.add(address);
    }

    /// Counts one less.
    pub(super) fn leave(&self, address: Option<ClientAddress>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(address) = address
            && let Some(count) = counts.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .all
    }
}

impl Counts {
    fn add(&mut self, address: Option<ClientAddress>) {
        self.all += 1;
        if let Some(address) = address {
            *self.by_address.entry(address).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_keep_others_out() {
        let outside = Outside::new(OutsideLimits {
            all: 5,
            of_one_address: 3,
        });
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| {
            let peer = text.parse().unwrap();
            Some(ClientAddress::of(peer, &axum::http::HeaderMap::new(), &[]))
        });
        let entered: Vec<bool> = (0..4).map(|_| outside.enter(one)).collect();
        assert_eq!(entered, [true, true, true, false]);
        assert!(outside.enter(other) && outside.enter(other));
        assert!(!outside.enter(other), "there are too many together");
        outside.leave(one);
        assert!(outside.enter(one));
        outside.return_to(one);
        assert!(!outside.enter(None));
        for address in [one, one, one, one, other, other] {
            outside.leave(address);
        }
        assert_eq!(outside.count(), 0);
        assert!(outside.counts.lock().unwrap().by_address.is_empty());
    }
}
