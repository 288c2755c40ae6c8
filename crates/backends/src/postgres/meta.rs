//! What is true of the database as a whole.

use semel_core::ports::Entropy;
use tokio_postgres::{Client, GenericClient};

use crate::{
    Error,
    restore::new_incarnation,
    transfer::marker::{FILLING, LEAVING, half_filled, left, warn_of_leaving},
};

/// Names the database; another one after a restore.
pub(super) const INCARNATION: &str = "incarnation";
/// Secret of the content hashes.
pub(super) const CONTENT_KEY: &str = "content_key";
/// The smallest version that a program must know.
pub(super) const OLDEST_COMPATIBLE: &str = "oldest_compatible";

/// What a database is born with.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) incarnation: String,
    pub(super) content_key: [u8; 32],
}

/// Reads the identity, or gives one to a new database. Of several servers the first one wins.
pub(super) async fn identity(
    client: &mut Client,
    entropy: &dyn Entropy,
) -> Result<Identity, Error> {
    let mut content_key = [0; 32];
    content_key[..16].copy_from_slice(&entropy.seed().to_be_bytes());
    content_key[16..].copy_from_slice(&entropy.seed().to_be_bytes());
    let incarnation = new_incarnation(entropy);
    let transaction = client.transaction().await?;
    let add = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    transaction
        .execute(add, &[&INCARNATION, &incarnation.as_bytes()])
        .await?;
    transaction
        .execute(add, &[&CONTENT_KEY, &&content_key[..]])
        .await?;
    transaction.commit().await?;
    let half = || Error::Corrupt("the database's identity cannot be read".to_owned());
    let content_key = get(client, CONTENT_KEY).await?.ok_or_else(half)?;
    Ok(Identity {
        incarnation: self::incarnation(client).await?.ok_or_else(half)?,
        content_key: content_key.try_into().map_err(|_| half())?,
    })
}

/// A database that is being filled is not opened.
pub(super) async fn refuse_half_filled(client: &impl GenericClient) -> Result<(), Error> {
    match get(client, FILLING).await? {
        Some(_) => Err(half_filled()),
        None => Ok(()),
    }
}

/// Whether a server that has it open, or had, may write it.
pub(super) async fn admit(client: &impl GenericClient, known: &str) -> Result<(), Error> {
    if incarnation(client).await?.as_deref() != Some(known) {
        return Err(Error::Unusable("it is another database".to_owned()));
    }
    refuse_half_filled(client).await?;
    match get(client, LEAVING).await? {
        Some(_) => Err(left()),
        None => Ok(()),
    }
}

/// A server starts, and is going to write: what was moved from here is not all there is any more.
pub(super) async fn stay(client: &impl GenericClient) -> Result<(), Error> {
    let stay = "DELETE FROM meta WHERE key = $1";
    if client.execute(stay, &[&LEAVING]).await? > 0 {
        warn_of_leaving();
    }
    Ok(())
}

/// The name of the database.
pub(super) async fn incarnation(client: &impl GenericClient) -> Result<Option<String>, Error> {
    let bytes = get(client, INCARNATION).await?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}

pub(super) async fn get(client: &impl GenericClient, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let row = client
        .query_opt("SELECT value FROM meta WHERE key = $1", &[&key])
        .await?;
    Ok(row.map(|row| row.get(0)))
}

pub(super) async fn put(client: &impl GenericClient, key: &str, value: &[u8]) -> Result<(), Error> {
    let put = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    client.execute(put, &[&key, &value]).await?;
    Ok(())
}
