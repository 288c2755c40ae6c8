//! Opens the store that the settings name.

use std::{sync::Arc, time::Duration};

use semel_backends::{
    Error, Hindrance, StatsView,
    postgres::{self, Address, PostgresLedger},
    sqlite::{self, SqliteLedger},
};
use semel_core::ports::{Clock, Entropy, Ledger};
use tokio::time::{Instant, sleep};

use super::ServeError;
use crate::{config::Config, convert::JsonRenderer, hub::Hub};

/// Threads that answer questions.
const READERS: usize = 2;
/// From one attempt to reach a database server to the next.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A ledger, and what it counts.
pub(super) struct Opened {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) stats: Box<dyn Fn() -> StatsView + Send + Sync>,
}

/// Opens the store that the settings name.
pub(super) async fn open(
    config: &Config,
    hub: &Arc<Hub>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Opened, ServeError> {
    if let Some(address) = &config.postgres {
        return open_postgres(config, address, hub, clock, entropy).await;
    }
    let options = sqlite::Options {
        data_dir: config.database_dir.clone(),
        readers: READERS,
        idempotency_ms: config.idempotency.as_millis() as i64,
        strangers_day_max: config.strangers_day_max,
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(hub) as Arc<_>,
    };
    // Beside the runtime: looking through a large one takes a while.
    let opened = tokio::task::spawn_blocking(move || SqliteLedger::open(options)).await;
    match opened.expect("opening the database does not panic") {
        Ok(ledger) => Ok(Opened {
            ledger: Arc::clone(&ledger) as _,
            stats: Box::new(move || ledger.stats().view()),
        }),
        Err(source) => Err(ServeError::Database {
            directory: config.database_dir.clone(),
            source,
        }),
    }
}

async fn open_postgres(
    config: &Config,
    address: &Address,
    hub: &Arc<Hub>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Opened, ServeError> {
    let options = postgres::Options {
        address: address.clone(),
        lanes: config.lanes,
        readers: READERS,
        idempotency_ms: config.idempotency.as_millis() as i64,
        strangers_day_max: config.strangers_day_max,
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(hub) as Arc<_>,
    };
    let ledger = keep_trying(config.start, &address.hosts(), options).await?;
    Ok(Opened {
        ledger: Arc::clone(&ledger) as _,
        stats: Box::new(move || ledger.stats()),
    })
}

/// Servers and their database are often started together, and while others work on it. What time does not mend is told
/// at once.
async fn keep_trying(
    patience: Duration,
    hosts: &str,
    options: postgres::Options,
) -> Result<Arc<PostgresLedger>, ServeError> {
    let deadline = Instant::now() + patience;
    loop {
        let source = match PostgresLedger::open(options.clone()).await {
            Ok(ledger) => return Ok(ledger),
            Err(source) => source,
        };
        let hosts = hosts.to_owned();
        let Some(hindrance) = source.hindrance() else {
            return Err(ServeError::DatabaseServer { hosts, source });
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left < RETRY_PAUSE {
            return Err(in_vain(hindrance, hosts, patience.as_secs(), source));
        }
        told_again(&hosts, left, &source);
        sleep(RETRY_PAUSE).await;
    }
}

fn in_vain(hindrance: Hindrance, hosts: String, seconds: u64, source: Error) -> ServeError {
    match hindrance {
        Hindrance::Away => ServeError::DatabaseAway {
            hosts,
            seconds,
            source,
        },
        Hindrance::ReadOnly => ServeError::DatabaseReadOnly {
            hosts,
            seconds,
            source,
        },
        Hindrance::Busy => ServeError::DatabaseBusy {
            hosts,
            seconds,
            source,
        },
    }
}

fn told_again(hosts: &str, left: Duration, error: &Error) {
    tracing::warn!(
        hosts,
        error = error.chain(),
        "the database server cannot be used yet: trying for {} s more",
        left.as_secs()
    );
}
