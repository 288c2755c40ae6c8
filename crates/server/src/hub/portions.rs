//! What is asked of the store some at a time: fewer after an error, down to one, so that what cannot be answered holds up
//! nothing else.

use std::collections::VecDeque;

use semel_core::ports::LedgerError;

/// How many are asked about alone and in vain, with no answer in between, before the store is taken to be away.
const IN_VAIN_MAX: usize = 3;

/// What is to be asked about.
#[derive(Debug)]
pub(super) struct Portions<T> {
    /// What was not asked about yet.
    pub(super) left: VecDeque<T>,
    /// What the store did not answer, alone. It may, later.
    pub(super) unanswered: Vec<T>,
    /// What the store cannot read, now or later.
    pub(super) unreadable: Vec<T>,
    at_once: usize,
    at_once_max: usize,
    in_vain: usize,
}

impl<T> Portions<T> {
    pub(super) fn new(all: impl IntoIterator<Item = T>, at_once_max: usize) -> Self {
        Self {
            left: all.into_iter().collect(),
            unanswered: Vec::new(),
            unreadable: Vec::new(),
            at_once: at_once_max,
            at_once_max,
            in_vain: 0,
        }
    }

    /// What to ask about next; none when nothing is left, or the store seems to be away.
    pub(super) fn next(&mut self) -> Option<Vec<T>> {
        if self.left.is_empty() || self.in_vain >= IN_VAIN_MAX {
            return None;
        }
        let count = self.at_once.min(self.left.len());
        Some(self.left.drain(..count).collect())
    }

    /// As much of something as is right for portions of the size that they have now.
    pub(super) fn share(&self, of_all: usize) -> usize {
        (of_all * self.at_once / self.at_once_max).max(1)
    }

    /// Takes the answer about a portion; none when there was no answer. An error is that the ledger closes.
    pub(super) fn take<A>(
        &mut self,
        portion: Vec<T>,
        answer: Result<A, LedgerError>,
    ) -> Result<Option<A>, LedgerError> {
        match answer {
            Ok(answer) => {
                self.in_vain = 0;
                self.at_once = (self.at_once * 2).min(self.at_once_max);
                Ok(Some(answer))
            }
            Err(LedgerError::Closing) => Err(LedgerError::Closing),
            Err(error) => {
                self.put_back(portion, &error);
                Ok(None)
            }
        }
    }

    /// Everything that may be answered later.
    pub(super) fn later(self) -> impl Iterator<Item = T> {
        self.left.into_iter().chain(self.unanswered)
    }

    fn put_back(&mut self, portion: Vec<T>, error: &LedgerError) {
        let is_unreadable = matches!(error, LedgerError::Internal(_));
        let is_alone = portion.len() == 1 && (is_unreadable || self.at_once == 1);
        if !is_alone {
            self.at_once = (portion.len() / 2).max(1);
            portion
                .into_iter()
                .rev()
                .for_each(|one| self.left.push_front(one));
            return;
        }
        tracing::warn!(%error, "failed to fetch what other servers did");
        if is_unreadable {
            self.unreadable.extend(portion);
        } else {
            self.in_vain += 1;
            self.unanswered.extend(portion);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks about numbers, of which some are not answered. The answers, and how often was asked.
    fn ask(
        portions: &mut Portions<u32>,
        answer: impl Fn(&[u32]) -> Result<(), LedgerError>,
    ) -> (Vec<u32>, usize) {
        let (mut answered, mut asked) = (Vec::new(), 0);
        while let Some(portion) = portions.next() {
            asked += 1;
            let found = answer(&portion).map(|()| portion.clone());
            answered.extend(portions.take(portion, found).unwrap().unwrap_or_default());
        }
        (answered, asked)
    }

    fn away() -> LedgerError {
        LedgerError::Unavailable(String::new())
    }

    #[test]
    fn what_cannot_be_answered_is_found_and_everything_else_is_answered() {
        for error in [away(), LedgerError::Internal(String::new())] {
            let mut portions = Portions::new(0..100, 32);
            let answer = |some: &[u32]| {
                let is_hit = some.contains(&40) || some.contains(&77);
                if is_hit { Err(error.clone()) } else { Ok(()) }
            };
            let (answered, asked) = ask(&mut portions, answer);
            let all = (0..100).filter(|one| ![40, 77].contains(one));
            assert_eq!(answered, all.collect::<Vec<_>>());
            assert!(asked < 40, "{asked}");
            let (aside, none) = match error {
                LedgerError::Internal(_) => (portions.unreadable, portions.unanswered),
                _ => (portions.unanswered, portions.unreadable),
            };
            assert_eq!((aside, none), (vec![40, 77], vec![]));
        }
    }

    #[test]
    fn l3_a_store_that_is_away_is_not_asked_about_everything() {
        let mut portions = Portions::new(0..10_000, 32);
        let (answered, asked) = ask(&mut portions, |_| Err(away()));
        assert_eq!((answered, asked), (vec![], 5 + IN_VAIN_MAX));
        let later: std::collections::BTreeSet<u32> = portions.later().collect();
        assert_eq!(later, (0..10_000).collect());
        // One less, and it is only those.
        let mut portions = Portions::new(0..100, 1);
        let few = 10..10 + IN_VAIN_MAX as u32 - 1;
        let refused = few.clone();
        let answer = move |some: &[u32]| {
            let is_hit = refused.contains(&some[0]);
            if is_hit { Err(away()) } else { Ok(()) }
        };
        assert_eq!(ask(&mut portions, answer).0.len(), 100 - few.len());
    }

    #[test]
    fn portions_grow_again_and_what_is_shared_with_them() {
        let mut portions = Portions::new(0..1_000, 32);
        let mut sizes = Vec::new();
        for is_answered in [false, false, true, true, true] {
            let portion = portions.next().unwrap();
            sizes.push((portion.len(), portions.share(1_024)));
            let answer = if is_answered { Ok(()) } else { Err(away()) };
            portions.take(portion, answer).unwrap();
        }
        assert_eq!(
            sizes,
            [(32, 1_024), (16, 512), (8, 256), (16, 512), (32, 1_024)]
        );
    }
}
