//! Stored answers and the messages that they are said to have.

use std::collections::BTreeSet;

use super::Findings;
use crate::{Error, codec::decode_ids, columns::Columns};

/// Every stored answer: whose it is, the messages that it has, and how many of them are named beside it.
pub(crate) const ANSWERS: &str =
    "SELECT user_id, message_ids, (SELECT count(*) FROM answer_messages
         WHERE answer_messages.user_id = answers.user_id AND answer_messages.key = answers.key)
     FROM answers";

/// Judges a row of [`ANSWERS`].
pub(crate) fn answer(row: &impl Columns, findings: &mut Findings) -> Result<(), Error> {
    let subject = || Ok::<_, Error>(format!("person {}", row.text(0)?));
    match decode_ids(row.bytes(1)?) {
        Ok(ids) => {
            let ids: BTreeSet<_> = ids.into_iter().collect();
            if row.number(2)? != ids.len() as u64 {
                let detail = "an answer does not name the messages that it has";
                findings.report("stored answers", subject()?, detail);
            }
        }
        Err(error) => findings.report("stored answers", subject()?, error.chain()),
    }
    Ok(())
}
