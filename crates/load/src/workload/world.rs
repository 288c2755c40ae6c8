//! What all who take part share.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use semel_client::IdMaker;
use semel_protocol::{ClientId, Timestamp, UserId};
use tokio::time::sleep;

use super::{
    Plan,
    places::Places,
    rooms::{Board, Room},
};
use crate::{
    Sign,
    dice::Dice,
    record::{CallRecord, RecordedApi, Recorder},
};

/// Pause before a call is made again that had no answer, or was refused for now.
const AGAIN_MILLIS: u64 = 25;
/// Client ids begin at this time, whatever the clock says.
const IDS_BEGIN_MILLIS: i64 = 1_767_225_600_000;

pub(crate) struct World {
    pub(super) plan: Plan,
    pub(super) recorder: Recorder,
    pub(super) sign: Sign,
    pub(super) places: Arc<Places>,
    pub(super) people: Vec<UserId>,
    pub(super) board: Board,
    /// Whether new things are begun.
    pub(super) is_going: AtomicBool,
    pub(super) acknowledged: AtomicU64,
    /// What should not have happened, and is not in the history.
    pub(super) complaints: Mutex<Vec<String>>,
}

impl World {
    /// Whether there is another turn.
    pub(super) fn goes_on(&self) -> bool {
        self.is_going.load(Ordering::Relaxed)
    }

    /// What one does between two turns, a bit shorter or longer each time.
    pub(super) async fn think(&self, dice: &mut Dice) {
        let micros = self.plan.think.as_micros() as u64;
        sleep(Duration::from_micros(
            micros / 2 + dice.roll() % (micros + 1),
        ))
        .await;
    }

    /// A thread for somebody to write to.
    pub(super) fn room(&self, person: usize, dice: &mut Dice) -> Option<Arc<Room>> {
        let full = self.plan.entries_per_thread_max;
        self.board.pick(person, full, dice)
    }

    /// What is not going wrong for a moment only.
    pub(super) fn complain(&self, text: String) {
        let mut complaints = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        complaints.push(text);
    }

    pub(super) fn count_acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn token(&self, person: usize) -> String {
        (self.sign)(&self.people[person])
    }

    pub(super) fn ids(self: &Arc<Self>) -> Ids {
        let half = || u128::from(RandomState::new().build_hasher().finish());
        Ids {
            maker: IdMaker::new(half() << 64 | half()),
            recorder: self.recorder.clone(),
        }
    }

    pub(super) fn caller(self: &Arc<Self>, person: usize) -> Caller {
        self.caller_at(person, 0)
    }

    /// The same, who begins at another server, if there are several.
    pub(super) fn caller_elsewhere(self: &Arc<Self>, person: usize) -> Caller {
        self.caller_at(person, 1)
    }

    fn caller_at(self: &Arc<Self>, person: usize, moves: usize) -> Caller {
        let calls = self.recorder.calls(&self.people[person]);
        let version = self.places.version();
        Caller {
            api: self.api(person, moves, calls),
            world: Arc::clone(self),
            person,
            version,
            moves,
        }
    }

    fn api(&self, person: usize, moves: usize, calls: CallRecord) -> RecordedApi {
        let address = self.places.of(person + moves);
        let limit = self.plan.call_limit;
        RecordedApi::new(address, &self.token(person), calls, limit)
    }
}

/// Makes client ids and idempotency keys that no other run makes.
pub(super) struct Ids {
    maker: IdMaker,
    recorder: Recorder,
}

impl Ids {
    pub(super) fn next(&mut self) -> ClientId {
        let millis = (self.recorder.now() / 1_000_000) as i64;
        self.maker.next(Timestamp(IDS_BEGIN_MILLIS + millis))
    }

    pub(super) fn key(&mut self) -> String {
        self.next().to_string()
    }
}

/// A person's HTTP calls, to wherever the server is.
pub(super) struct Caller {
    world: Arc<World>,
    api: RecordedApi,
    person: usize,
    version: u64,
    /// Servers that were left.
    moves: usize,
}

impl Caller {
    pub(super) fn api(&mut self) -> &RecordedApi {
        let version = self.world.places.version();
        if version != self.version {
            self.version = version;
            self.connect();
        }
        &self.api
    }

    /// The pause before another attempt, which goes to another server, if there are several.
    pub(super) async fn rest(&mut self) {
        sleep(Duration::from_millis(AGAIN_MILLIS)).await;
        self.moves += 1;
        if self.world.places.count() > 1 {
            self.connect();
        }
    }

    fn connect(&mut self) {
        let calls = self.api.calls().clone();
        self.api = self.world.api(self.person, self.moves, calls);
    }
}

/// Makes a call again until its outcome is known: a success, or a refusal for good.
macro_rules! surely {
    ($caller:expr, $api:ident => $call:expr) => {
        loop {
            let answer = {
                let $api = $caller.api();
                $call.await
            };
            match answer {
                Err(error) if error.is_retryable() => $caller.rest().await,
                answer => break answer,
            }
        }
    };
}

pub(super) use surely;
