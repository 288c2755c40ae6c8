//! A server: everything of the real one but files, sockets and threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use semel_backends::lane::{Setup, Watch};
use semel_core::ports::{Clock, Ledger};
use semel_protocol::{Timestamp, UserId};
use semel_server::{
    app::App,
    auth::{Caller, Scope, Tokens},
    convert::JsonRenderer,
    http::Direct,
    hub::{Hub, Rhythm},
    realtime::{Realtime, Settings},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    dice::{Dice, Seeds},
    disk::Disk,
    ledger::SimLedger,
    life::Life,
};

/// Where simulated time begins: the first of January 2026.
const BEGIN_MILLIS: i64 = 1_767_225_600_000;
/// Stored answers are replayed for this long, in milliseconds.
const IDEMPOTENCY_MS: i64 = 24 * 60 * 60 * 1_000;
const SECRET: &[u8] = b"the secret of a simulated server, nothing else";
/// How long an orderly stop waits for devices.
const PATIENCE: Duration = Duration::from_secs(5);

/// The wall clock of the server's machine.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    begin: Instant,
    skew_millis: Arc<AtomicI64>,
}

impl WallClock {
    pub(crate) fn start() -> Self {
        Self {
            begin: Instant::now(),
            skew_millis: Arc::default(),
        }
    }

    /// Somebody sets the clock.
    pub(crate) fn jump(&self, millis: i64) {
        self.skew_millis.fetch_add(millis, Relaxed);
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.begin.elapsed().as_millis() as i64;
        Timestamp(BEGIN_MILLIS + elapsed + self.skew_millis.load(Relaxed))
    }
}

/// Signs tokens as the servers take them.
pub(crate) fn tokens(clock: &WallClock) -> Tokens {
    Tokens::new(SECRET, Arc::new(clock.clone()))
}

/// A token that outlives the run.
pub(crate) fn token(tokens: &Tokens, who: &UserId) -> String {
    tokens.sign(&Caller {
        user_id: who.clone(),
        name: None,
        scope: Scope::Person,
        expires_at: Timestamp(BEGIN_MILLIS + 1_000 * IDEMPOTENCY_MS),
        session_id: None,
        is_verified: false,
    })
}

/// One life of a server.
pub(crate) struct Server {
    pub(crate) life: Life,
    pub(crate) realtime: Realtime,
    pub(crate) http: Direct,
    app: Arc<App>,
    ledger: Arc<dyn Ledger>,
    delivery: JoinHandle<()>,
    lane: JoinHandle<()>,
}

impl Server {
    /// Starts a server on a disk, as `serve` does it.
    pub(crate) fn start(disk: &Disk, clock: &WallClock, mut dice: Dice) -> Arc<Self> {
        let life = Life::default();
        let entropy = Arc::new(Seeds::new(Dice::new(dice.roll(), 1)));
        let wall: Arc<dyn Clock> = Arc::new(clock.clone());
        let hub = Hub::new(wall.clone(), Rhythm::default());
        let setup = Setup {
            content_key: disk.with(semel_backends::sqlite::Memory::content_key),
            idempotency_ms: IDEMPOTENCY_MS,
            strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
            clock: wall.clone(),
            renderer: Arc::new(JsonRenderer),
            listener: hub.clone(),
            watch: Arc::new(Watch::default()),
        };
        let asking = Dice::new(dice.roll(), 2);
        let (ledger, lane) = SimLedger::start(disk, &life, entropy.clone(), asking, setup);
        let ledger: Arc<dyn Ledger> = ledger;
        let delivery = hub.start(&ledger);
        let app = App::new(ledger.clone(), tokens(clock), wall, entropy);
        let realtime = Realtime::new(app.clone(), hub, Settings::default());
        Arc::new(Self {
            life,
            realtime,
            http: Direct::new(app.clone()),
            app,
            ledger,
            delivery,
            lane,
        })
    }

    /// Nothing of it is seen by anybody from here on.
    pub(crate) fn kill(&self) {
        self.life.end();
        self.delivery.abort();
        self.lane.abort();
    }

    /// Stops as it should.
    pub(crate) async fn stop(&self) {
        self.app.stop();
        self.realtime.shutdown(PATIENCE).await;
        self.ledger.close().await;
        self.kill();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}
