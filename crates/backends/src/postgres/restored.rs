//! What a database needs after `PostgreSQL`'s own means have brought it back from a backup.

use semel_core::ports::Entropy;

use super::{
    connect::{Address, Session},
    doctor::SETTINGS,
    leases::exclude_servers,
    meta,
    migrate::{self, STEPS},
};
use crate::{
    Error,
    restore::{epoch_step, new_incarnation},
};

/// A database that devices will take for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its new name.
    pub incarnation: String,
    /// Threads whose logs got another epoch.
    pub threads: u64,
}

/// Gives a database that was brought back from a backup a new incarnation, and every thread another epoch, in one
/// transaction: devices that know more than the backup has are told so. Refuses while servers use it.
pub async fn restored(address: &Address, entropy: &dyn Entropy) -> Result<Restored, Error> {
    let mut session = Session::open(address, "restored").await?;
    session.client().batch_execute(SETTINGS).await?;
    let transaction = session.client_mut().transaction().await?;
    if !(1..=STEPS.len() as i64).contains(&migrate::check(&transaction).await?) {
        let text = "the database is empty, or newer than this program";
        return Err(Error::Unusable(text.to_owned()));
    }
    meta::refuse_half_filled(&transaction).await?;
    exclude_servers(&transaction).await?;
    meta::stay(&transaction).await?;
    let incarnation = new_incarnation(entropy);
    meta::put(&transaction, meta::INCARNATION, incarnation.as_bytes()).await?;
    let threads = transaction
        .execute(
            "UPDATE threads SET epoch = epoch + $1",
            &[&epoch_step(entropy)],
        )
        .await?;
    transaction.commit().await?;
    Ok(Restored {
        incarnation,
        threads,
    })
}
