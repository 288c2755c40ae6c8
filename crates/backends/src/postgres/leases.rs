//! Making sure that no server writes a database.

use std::time::Duration;

use tokio_postgres::Transaction;

use super::transaction::LEASE;
use crate::Error;

/// Between servers that have just ended and the time when that is certain.
const LEASE_SECONDS: f64 = LEASE.as_secs_f64();
/// Conflicts with every renewal of a lease, without which servers write nothing.
const LOCK: &str = "LOCK TABLE leases IN SHARE ROW EXCLUSIVE MODE";

/// Refuses while servers use the database, and takes the leases of those that have not been seen for long: they write
/// nothing any more. Until the transaction ends, none can begin to.
pub(super) async fn exclude_servers(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.batch_execute(LOCK).await?;
    let live = "SELECT count(DISTINCT server_id) FROM leases
         WHERE seen_at > clock_timestamp() - make_interval(secs => $1)";
    let live: i64 = transaction.query_one(live, &[&LEASE_SECONDS]).await?.get(0);
    if live > 0 {
        return Err(Error::Unusable(format!(
            "servers that use the database: {live}; stop them, and wait {} s if they did not stop in an orderly way",
            Duration::as_secs(&LEASE)
        )));
    }
    transaction.batch_execute("DELETE FROM leases").await?;
    Ok(())
}
