//! Takes a server apart so that nobody loses anything by it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Running, ServerFile};

/// Time that is left to HTTP requests under way at least, when devices took all of it.
const REQUESTS_MIN: Duration = Duration::from_millis(500);

impl Running {
    /// Stops gracefully: says that it is not ready, sends devices away, finishes what is under way, gives leases back and
    /// closes the store.
    pub async fn stop(mut self) {
        self.app.stop();
        if !self.config.drain_notice.is_zero() {
            let seconds = self.config.drain_notice.as_secs();
            tracing::info!(
                seconds,
                "not ready any more: waiting for balancers to notice"
            );
            sleep(self.config.drain_notice).await;
        }
        let deadline = Instant::now() + self.config.drain;
        // Devices first: those that poll need the listener until they have gone.
        self.realtime.shutdown(self.config.drain).await;
        let left = deadline.saturating_duration_since(Instant::now());
        self.listening.stop(left.max(REQUESTS_MIN)).await;
        self.jobs.abort_all();
        self.ledger.close().await;
        if let Some(bus) = self.bus {
            bus.close().await;
        }
        self.delivery.abort();
        if let Some(metrics) = self.metrics_listening {
            metrics.stop(Duration::ZERO).await;
        }
        ServerFile::remove(&self.config.data_dir);
    }
}
