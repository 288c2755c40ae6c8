//! What is true of the database as a whole.

use semel_core::ports::Entropy;
use tokio_postgres::{Client, GenericClient};
use uuid::Uuid;

use crate::Error;

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
    let incarnation = Uuid::from_u128(entropy.seed()).to_string();
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
