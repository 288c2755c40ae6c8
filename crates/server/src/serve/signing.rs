//! Whether a server has the signing secret of the others of its database.
//!
//! The keys in the database are sealed, each with the secret of the server that made it. So who cannot open any of those that
//! still sign has another secret.

use std::sync::Arc;

use semel_core::ports::{Clock, Entropy};
use semel_protocol::Problem;

use super::{ServeError, store, tokens};
use crate::{
    app::App,
    config::Config,
    hub::{Hub, Rhythm},
    sign_in::{self, SignIn},
    world::{SystemClock, SystemEntropy},
};

/// There is a key to sign with, and it is one of a secret that the other servers have.
pub(super) async fn begin(app: &Arc<App>, config: &Config) -> Result<(), ServeError> {
    if sign_in::has_another_secret(app).await.map_err(failed)? {
        // A SQLite database has no other servers.
        if config.postgres.is_some() {
            return Err(ServeError::OtherSecret);
        }
        tracing::warn!(
            "the signing secret is another one than before: tokens that were signed with that are refused"
        );
    }
    sign_in::begin(app).await.map_err(failed)
}

/// Lets servers with the secret of these settings use the database, beside those that do.
pub async fn accept_secret(config: &Config) -> Result<(), ServeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let tokens = tokens(config).map_err(ServeError::Secret)?;
    let hub = Hub::new(Arc::clone(&clock), Rhythm::default());
    let opened = store::open(config, &hub, &clock, &entropy).await?;
    let app = App::new(Arc::clone(&opened.ledger), tokens, clock, entropy);
    app.let_sign_in(SignIn::new(config.sign_in.clone()));
    // It makes a key of the secret if there is none.
    let begun = sign_in::begin(&app).await.map_err(failed);
    opened.ledger.close().await;
    begun
}

fn failed(problem: Problem) -> ServeError {
    ServeError::SignIn(problem.detail)
}
