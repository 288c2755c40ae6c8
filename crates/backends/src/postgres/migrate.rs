//! Brings a database to the schema that this program knows. See `migrations/README.md`.

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, GenericClient};

use super::meta;
use crate::Error;

/// Every step, in order; the first has number 1.
pub(super) const STEPS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_initial.sql"),
    include_str!("../../migrations/postgres/0002_sign_in.sql"),
    include_str!("../../migrations/postgres/0003_finding_people.sql"),
    include_str!("../../migrations/postgres/0004_apart.sql"),
    include_str!("../../migrations/postgres/0005_groups.sql"),
    include_str!("../../migrations/postgres/0006_operators.sql"),
    include_str!("../../migrations/postgres/0007_transaction_numbers.sql"),
    include_str!("../../migrations/postgres/0008_reports.sql"),
    include_str!("../../migrations/postgres/0009_erasure.sql"),
    include_str!("../../migrations/postgres/0010_invites.sql"),
    include_str!("../../migrations/postgres/0011_pictures.sql"),
    include_str!("../../migrations/postgres/0012_pictures_of_people.sql"),
    include_str!("../../migrations/postgres/0013_handles_of_people.sql"),
    include_str!("../../migrations/postgres/0014_tellings.sql"),
];

/// The smallest version that a program must know to open a database with all of [`STEPS`].
const OLDEST_COMPATIBLE: i64 = 14;
/// Servers that start at the same time take the steps one after another. The number says "SEML".
const LOCK: i64 = 0x5345_4d4c;

/// Takes the steps that the database has not taken yet, all in one transaction.
pub(super) async fn migrate(client: &mut Client) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    // A step takes as long as it takes, and so does another server's.
    let patient = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
    transaction.batch_execute(patient).await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    let version = check(&transaction).await?;
    for (number, step) in (1..).zip(STEPS).skip(version as usize) {
        transaction.batch_execute(step).await?;
        transaction
            .execute(
                "INSERT INTO migrations (number, checksum) VALUES ($1, $2)",
                &[&number, &checksum(step)],
            )
            .await?;
        let oldest = OLDEST_COMPATIBLE.min(number).to_string();
        meta::put(&transaction, meta::OLDEST_COMPATIBLE, oldest.as_bytes()).await?;
        tracing::info!(number, "migrated the database");
    }
    transaction.commit().await?;
    Ok(())
}

/// The version of a database that this program may open; 0 for an empty one.
pub(super) async fn check(transaction: &impl GenericClient) -> Result<i64, Error> {
    let row = transaction
        .query_one(
            "SELECT to_regclass('migrations') IS NOT NULL,
                 (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace)",
            &[],
        )
        .await?;
    let (is_ours, tables): (bool, i64) = (row.get(0), row.get(1));
    if !is_ours {
        return if tables == 0 {
            Ok(0)
        } else {
            let text = "the database holds tables that are not ours; give us one of our own";
            Err(Error::Unusable(text.to_owned()))
        };
    }
    let taken = transaction
        .query(
            "SELECT number, checksum FROM migrations ORDER BY number",
            &[],
        )
        .await?;
    for (row, (number, step)) in taken.iter().zip((1_i64..).zip(STEPS)) {
        let (its_number, its_checksum): (i64, Vec<u8>) = (row.get(0), row.get(1));
        if its_number != number || its_checksum != checksum(step) {
            return Err(Error::Unusable(format!(
                "step {number} of the database's schema is not the one that this program knows: it was made by \
                 another program, or changed by hand"
            )));
        }
    }
    if taken.len() > STEPS.len() {
        admit(transaction).await?;
    }
    Ok(taken.len() as i64)
}

/// Whether this program knows enough to write a database that is migrated.
pub(super) async fn admit(transaction: &impl GenericClient) -> Result<(), Error> {
    let oldest = meta::get(transaction, meta::OLDEST_COMPATIBLE).await?;
    let oldest = oldest.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    let (oldest, known) = (oldest.unwrap_or(i64::MAX), STEPS.len() as i64);
    if oldest > known {
        return Err(Error::Unusable(format!(
            "the database needs a program that knows at least version {oldest} of the schema; this one knows {known}: start \
             the newer program again, or restore a backup"
        )));
    }
    Ok(())
}

fn checksum(step: &str) -> Vec<u8> {
    Sha256::digest(step.as_bytes()).to_vec()
}
