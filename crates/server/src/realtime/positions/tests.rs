use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use semel_core::ports::{Ledger, Question};

use super::*;
use crate::{
    auth::Tokens,
    world::{SystemClock, SystemEntropy},
};

/// Counts what it has at a time, and refuses all of it.
#[derive(Default)]
struct Counting {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

#[async_trait::async_trait]
impl Ledger for Counting {
    async fn submit(&self, _: Command) -> Result<Reply, LedgerError> {
        self.most
            .fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
        self.all.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        self.now.fetch_sub(1, SeqCst);
        Err(LedgerError::Overloaded)
    }

    async fn answer(&self, _: Question) -> Result<(), LedgerError> {
        Err(LedgerError::Overloaded)
    }

    async fn answer_first(&self, _: Question) -> Result<(), LedgerError> {
        Err(LedgerError::Overloaded)
    }

    fn incarnation(&self) -> String {
        String::new()
    }

    fn health(&self) -> Result<(), String> {
        Ok(())
    }

    async fn close(&self) {}
}

fn positions(ledger: &Arc<Counting>) -> Positions {
    let clock = Arc::new(SystemClock);
    let tokens = Tokens::new(b"a secret of these tests, long enough", clock.clone());
    Positions {
        waiting: Mutex::default(),
        writing: tokio::sync::Mutex::default(),
        app: App::new(ledger.clone(), tokens, clock, Arc::new(SystemEntropy)),
    }
}

fn thread(n: usize) -> ThreadId {
    ThreadId(uuid::Uuid::from_u128(n as u128))
}

#[tokio::test]
async fn one_person_cannot_make_the_queue_long() {
    let ledger = Arc::new(Counting::default());
    let positions = positions(&ledger);
    let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
    for n in 0..WAITING_PER_PERSON_MAX {
        positions.delivered(&ann, thread(n), 1).unwrap();
    }
    assert!(positions.delivered(&ann, thread(usize::MAX), 1).is_err());
    positions.delivered(&ann, thread(0), 2).unwrap();
    let written = positions.read(&bob, thread(0), 1).unwrap();

    positions.flush().await;
    assert_eq!(ledger.all.load(SeqCst), WAITING_PER_PERSON_MAX + 1);
    assert!(ledger.most.load(SeqCst) <= WRITTEN_AT_ONCE);
    assert!(matches!(written.await, Ok(Err(LedgerError::Overloaded))));
    positions
        .delivered(&ann, thread(usize::MAX), 1)
        .expect("nothing waits any more");
}
