//! Turns: one person's questions, or uploads, wait for each other, so that they do not hold up everybody's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use semel_protocol::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many turns one person has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Under way at a time.
    pub(crate) under_way: usize,
    /// Under way or waiting.
    pub(crate) asked: usize,
}

/// Everybody who waits for a turn of one kind, or has one.
#[derive(Debug)]
pub(crate) struct Turns {
    most: Most,
    lines: Mutex<HashMap<UserId, Line>>,
}

/// One person's turns.
#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    /// Under way or waiting.
    asked: usize,
}

/// Too many of the person's wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: Place,
}

/// A place in a person's line.
#[derive(Debug)]
struct Place {
    all: Arc<Turns>,
    who: UserId,
}

impl Turns {
    pub(crate) fn new(most: Most) -> Arc<Self> {
        let lines = Mutex::default();
        Arc::new(Self { most, lines })
    }

    /// Waits for a turn of this person's.
    pub(crate) async fn take(self: &Arc<Self>, who: &UserId) -> Result<Turn, TooMany> {
        let (turns, place) = self.stand_in_line(who)?;
        let turn = turns.acquire_owned().await;
        Ok(Turn {
            _turn: turn.expect("it is never closed"),
            _place: place,
        })
    }

    fn stand_in_line(self: &Arc<Self>, who: &UserId) -> Result<(Arc<Semaphore>, Place), TooMany> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(who.clone()).or_insert_with(|| Line {
            turns: Arc::new(Semaphore::new(self.most.under_way)),
            asked: 0,
        });
        if line.asked >= self.most.asked {
            return Err(TooMany);
        }
        line.asked += 1;
        let place = Place {
            all: self.clone(),
            who: who.clone(),
        };
        Ok((line.turns.clone(), place))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self
            .all
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get_mut(&self.who) {
            line.asked -= 1;
            if line.asked == 0 {
                lines.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_persons_questions_wait_for_each_other_only() {
        let turns = Turns::new(Most {
            under_way: 4,
            asked: 16,
        });
        let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        let mut under_way = Vec::new();
        for _ in 0..turns.most.under_way {
            under_way.push(turns.take(&ann).await.unwrap());
        }
        let mut waiting: Vec<_> = (turns.most.under_way..turns.most.asked)
            .map(|_| {
                let turns = turns.clone();
                let ann = ann.clone();
                Box::pin(async move { turns.take(&ann).await })
            })
            .collect();
        for turn in &mut waiting {
            assert!(turn.now_or_never().is_none());
        }
        assert_eq!(turns.take(&ann).await.err(), Some(TooMany));
        assert!(turns.take(&bob).now_or_never().is_some());

        under_way.pop();
        let first = (&mut waiting[0]).now_or_never();
        assert!(first.as_ref().unwrap().is_ok());
        assert!((&mut waiting[1]).now_or_never().is_none());
        drop((first, under_way, waiting));
        assert!(turns.lines.lock().unwrap().is_empty());
    }
}
