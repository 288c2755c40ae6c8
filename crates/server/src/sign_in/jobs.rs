//! What goes on beside requests: keys, revocations, the outbox, and clearing away.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use semel_core::{
    actions::sign_in::{AddSigningKey, PruneSignIn, SignedIn},
    queries,
    row::Standing,
    sign_in::SigningKeyRow,
};
use semel_protocol::{Code, Problem, Timestamp, limits::ACCESS_TOKEN_MINUTES};
use tokio::time::{interval, timeout};

use super::{Egress, act, outbox, stranger};
use crate::{app::App, auth::KEY_SEALED_AS, hub::Hub};

const DAY_MS: i64 = 86_400_000;
/// How long a key signs.
const KEY_DAYS: i64 = 30;
/// How long before its end the next one is made, so that every server and every reader of the set knows it in time.
const KEY_OVERLAP_MS: i64 = 2 * DAY_MS;
/// How often keys are looked at.
const KEYS_LOOK: Duration = Duration::from_mins(1);
/// How often revocations are looked at: with what it takes to close, within the five seconds that are promised.
const REVOKED_LOOK: Duration = Duration::from_secs(2);
/// How old a revocation is that is still looked at: no access token lives longer, whatever the clocks.
const REVOKED_MS: i64 = 2 * ACCESS_TOKEN_MINUTES * 60_000;
/// How often the host application's keys are fetched anew.
const HOST_KEYS_LOOK: Duration = Duration::from_mins(10);
/// How often rows that are over are removed, and how many at once.
const PRUNE: Duration = Duration::from_mins(10);
const PRUNE_MAX: usize = 200;

/// Before the server serves: there is a key to sign with.
pub async fn begin(app: &Arc<App>) -> Result<(), Problem> {
    keys(app).await?;
    revocations(app).await
}

/// Everything, until the task is dropped.
pub async fn run(app: Arc<App>, hub: Arc<Hub>) {
    tokio::join!(
        outbox::run(&app),
        watch_keys(&app),
        watch_host_keys(&app),
        watch_revocations(&app, &hub),
        clear_away(&app),
    );
}

/// Whether the keys in the database are all of another secret: servers that have it refuse the tokens of this one.
pub async fn has_another_secret(app: &Arc<App>) -> Result<bool, Problem> {
    load_keys(app).await?;
    let keys = app.tokens.own_keys();
    Ok(keys.signs_until().is_none() && keys.others_sign(app.clock.now()))
}

async fn watch_keys(app: &Arc<App>) {
    let mut ticks = interval(KEYS_LOOK);
    let mut is_told = false;
    loop {
        ticks.tick().await;
        if let Err(problem) = keys(app).await {
            tracing::warn!(code = %problem.code, "signing keys were not looked at");
        }
        let is_mixed = app.tokens.own_keys().others_sign(app.clock.now());
        if is_mixed && !std::mem::replace(&mut is_told, is_mixed) {
            tracing::warn!(
                "another `jwt_secret_key` was used with this database in the last {KEY_DAYS} days: unless it was changed on \
                 purpose, some server has a wrong one"
            );
        }
    }
}

/// Reads the keys, and makes the next one when it is time.
pub(crate) async fn keys(app: &Arc<App>) -> Result<(), Problem> {
    load_keys(app).await?;
    let now = app.clock.now();
    let until = app.tokens.own_keys().signs_until();
    if until.is_some_and(|until| until.0 - now.0 > KEY_OVERLAP_MS) {
        return Ok(());
    }
    act(app, None, new_key(app, now)?, &app.request_id()).await?;
    load_keys(app).await
}

async fn load_keys(app: &Arc<App>) -> Result<(), Problem> {
    let (who, request_id) = (stranger(), app.request_id());
    let rows = app.ask(&who, &request_id, queries::sign_in::signing_keys);
    app.tokens
        .own_keys()
        .replace(rows.await?, app.tokens.secrets());
    Ok(())
}

#[expect(clippy::result_large_err, reason = "made once for a request")]
fn new_key(app: &App, now: Timestamp) -> Result<AddSigningKey, Problem> {
    let failed = || Problem::new(Code::Internal, "no key was made", "");
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| failed())?;
    let secrets = app.tokens.secrets();
    let signs_until = now.0 + KEY_DAYS * DAY_MS;
    Ok(AddSigningKey {
        // One a day for each secret: servers that make one at the same time make the same one.
        name: format!("semel-{}-{}", secrets.name(), now.0.div_euclid(DAY_MS)),
        row: SigningKeyRow {
            public: pair.public_key().as_ref().to_vec(),
            sealed: secrets.seal(KEY_SEALED_AS, pkcs8.as_ref(), app.entropy.as_ref()),
            created_at: now,
            signs_until: Timestamp(signs_until),
            expires_at: Timestamp(signs_until + DAY_MS),
        },
    })
}

async fn watch_host_keys(app: &Arc<App>) {
    let mut ticks = interval(HOST_KEYS_LOOK);
    loop {
        ticks.tick().await;
        host_keys(app).await;
    }
}

/// Fetches the keys that the host application publishes, if it does.
pub(crate) async fn host_keys(app: &App) {
    let host = app.tokens.host();
    let Some(url) = &host.keys_url else {
        return;
    };
    let request = app.sign_in().egress.client().get(url);
    let found = Egress::send(request).await;
    let count = found.map(|json| host.keys.replace(&json));
    match count {
        Ok(Some(count)) if count > 0 => tracing::debug!(count, "read the host application's keys"),
        Ok(_) => tracing::warn!("the host application's key set (host_jwks_url) has no key of use"),
        Err(error) => {
            tracing::warn!(%error, "the host application's key set (host_jwks_url) was not read");
        }
    }
}

async fn watch_revocations(app: &Arc<App>, hub: &Arc<Hub>) {
    let mut looked_at = app.clock.now();
    loop {
        let told = async {
            tokio::select! {
                () = app.revoked.changed.notified() => {}
                () = hub.ended_elsewhere() => {}
            }
        };
        let _ = timeout(REVOKED_LOOK, told).await;
        // What was ended here is told at once, whatever the store says.
        for (who, id) in app.revoked.take_untold() {
            hub.revoke(&who, id);
        }
        for (who, code) in app.revoked.take_shut_out() {
            hub.shut_out(&who, code);
        }
        let now = app.clock.now();
        match suspensions(app, hub, Timestamp(looked_at.0 - REVOKED_MS)).await {
            Ok(()) => looked_at = now,
            Err(problem) => tracing::warn!(code = %problem.code, "suspensions were not looked at"),
        }
        match revocations(app).await {
            Ok(()) => hub.end_sessions(|id| app.revoked.has(id)),
            Err(problem) => tracing::warn!(code = %problem.code, "revocations were not looked at"),
        }
    }
}

/// Puts out who was suspended or erased lately, on whatever server: since the last look, and a while before, whatever the clocks.
async fn suspensions(app: &Arc<App>, hub: &Hub, since: Timestamp) -> Result<(), Problem> {
    let ask = move |rows: &_| queries::safety::standing_since(rows, since);
    for (who, standing) in app.ask(&stranger(), &app.request_id(), ask).await? {
        let code = match standing {
            Standing::Good => continue,
            Standing::Suspended(_) => Code::Suspended,
            Standing::Erased(_) => Code::Erased,
        };
        app.shut_out(&who);
        hub.shut_out(&who, code);
    }
    Ok(())
}

/// Reads which sessions were ended lately, on whatever server.
async fn revocations(app: &Arc<App>) -> Result<(), Problem> {
    let since = Timestamp(app.clock.now().0 - REVOKED_MS);
    let ask = move |rows: &_| queries::sign_in::revoked_since(rows, since);
    let ended = app.ask(&stranger(), &app.request_id(), ask).await?;
    app.revoked
        .replace(ended.into_iter().collect::<HashSet<_>>());
    Ok(())
}

async fn clear_away(app: &Arc<App>) {
    let mut ticks = interval(PRUNE);
    loop {
        ticks.tick().await;
        if let Err(problem) = prune(app).await {
            tracing::warn!(code = %problem.code, "sign-ins that are over were not removed");
        }
    }
}

/// Removes what is over; says how much.
async fn prune(app: &Arc<App>) -> Result<usize, Problem> {
    let mut sum = 0;
    loop {
        let prune = PruneSignIn {
            before: app.clock.now(),
            limit: PRUNE_MAX,
        };
        let SignedIn::Pruned(removed) = act(app, None, prune, &app.request_id()).await? else {
            return Ok(sum);
        };
        sum += removed;
        if removed == 0 {
            return Ok(sum);
        }
    }
}
