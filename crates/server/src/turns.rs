//! Turns at asking: one person's questions wait for each other, so that they do not hold up everybody's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use semel_protocol::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions of one person that are under way.
const UNDER_WAY_MAX: usize = 4;
/// Questions of one person that are under way or wait: all requests of a few busy devices.
const ASKED_MAX: usize = 256;

/// Everybody who asks.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<UserId, Line>>);

/// One person's questions.
#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    /// Under way or waiting.
    asked: usize,
}

/// Too many questions of the person wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A turn at asking, until it is dropped.
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
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(who.clone()).or_insert_with(|| Line {
            turns: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            asked: 0,
        });
        if line.asked >= ASKED_MAX {
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
        let mut lines = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let turns = Arc::new(Turns::default());
        let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        let mut under_way = Vec::new();
        for _ in 0..UNDER_WAY_MAX {
            under_way.push(turns.take(&ann).await.unwrap());
        }
        let mut waiting: Vec<_> = (UNDER_WAY_MAX..ASKED_MAX)
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
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
