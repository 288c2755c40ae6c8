//! Damage, and the check that must find it: one list for every engine.

use semel_core::ports::Ledger;

use super::world::{keyed, pair, send, sent};

/// What each damage must be found by. One at a time, on a copy of a sound database. `{uuid}`, `{hash}` and `{key}` are
/// nothing but zeros, as the engine writes them.
pub(crate) const DAMAGES: &[(&str, &str)] = &[
    ("log", "DELETE FROM log WHERE seq = 2"),
    ("log", "UPDATE log SET content_hash = {hash} WHERE seq = 2"),
    ("log", "UPDATE log SET message_count = 9 WHERE seq = 2"),
    ("log", "UPDATE log SET created_at = 1 WHERE seq = 2"),
    ("log", "UPDATE log SET type = 'nonsense' WHERE seq = 2"),
    ("log", "UPDATE log SET data = 'nonsense' WHERE rev = 1"),
    ("log", "UPDATE log SET reactions = 'nonsense' WHERE seq = 2"),
    ("log", "UPDATE log SET actor_id = '' WHERE seq = 2"),
    ("log", "UPDATE log SET epoch = 9 WHERE seq = 2"),
    ("log", "UPDATE log SET seq = 1, last_seq = 1 WHERE seq = 2"),
    ("threads", "UPDATE threads SET thread_type = 'nonsense'"),
    ("participants", "UPDATE threads SET participant_count = 3"),
    ("participants", "UPDATE participants SET is_active = FALSE WHERE user_id = 'bob'"),
    ("participants", "UPDATE participants SET periods = '[]' WHERE user_id = 'bob'"),
    ("participants", "UPDATE participants SET periods = 'nonsense' WHERE user_id = 'bob'"),
    ("participants", "DELETE FROM participants WHERE user_id = 'bob'"),
    ("participants keys", "DELETE FROM participants_keys"),
    ("participants keys", "UPDATE threads SET participants_key = NULL"),
    ("participants keys", "UPDATE threads SET participants_key = {key}"),
    ("client ids", "DELETE FROM client_ids"),
    ("client ids", "UPDATE client_ids SET seq = seq + 10"),
    ("client ids", "INSERT INTO client_ids SELECT {uuid}, 'ann', id, 77, {hash} FROM threads"),
    ("client ids", "INSERT INTO client_ids VALUES ({uuid}, 'ann', {uuid}, NULL, {hash})"),
    ("positions", "UPDATE positions SET read_seq = 99"),
    ("positions", "UPDATE positions SET read_count = read_count + 1"),
    ("positions", "UPDATE positions SET delivered_seq = 0"),
    ("orphans", "UPDATE positions SET user_id = 'nobody' WHERE user_id = 'ann'"),
    ("orphans", "DELETE FROM log"),
    (
        "orphans",
        "INSERT INTO log (thread_id, rev, epoch, type, data, actor_id, created_at, content_hash, chain, last_seq,
             message_count)
         SELECT {uuid}, rev, epoch, type, data, actor_id, created_at, content_hash, chain, 0, 0 FROM log WHERE rev = 1",
    ),
    ("people's own logs", "UPDATE person_heads SET user_rev = 0"),
    ("people's own logs", "DELETE FROM person_heads"),
    ("stored answers", "DELETE FROM answer_messages"),
    ("stored answers", "DELETE FROM answers"),
    ("stored answers", "UPDATE answers SET message_ids = {hash}, key = 'other' WHERE key = 'key 1'"),
    ("stored answers", "UPDATE answer_messages SET message_id = {uuid} WHERE key = 'key 1'"),
    ("handles", "UPDATE users SET handle = 'ann_ann' WHERE id = 'ann'"),
    ("handles", "INSERT INTO handles VALUES ('ann_ann', 'ann', 1, NULL)"),
    ("schema", "DROP INDEX log_by_message"),
    ("schema", "DROP INDEX answers_by_time"),
    ("schema", "ALTER TABLE users RENAME COLUMN about TO over"),
    ("foreign keys", "INSERT INTO participants_keys VALUES ({key}, {uuid})"),
    ("foreign keys", "DELETE FROM threads"),
];

/// Something of what there is to be damaged.
pub(crate) async fn fill(ledger: &dyn Ledger) {
    let id = pair(ledger, "ann", "bob").await;
    for number in 1..=3 {
        let request = send("ann", id, number, "hello");
        sent(
            ledger
                .submit(keyed(&format!("key {number}"), request))
                .await,
        );
    }
}

/// The damage, as an engine writes it.
pub(crate) fn written(sql: &str, uuid: &str, hash: &str, key: &str) -> String {
    sql.replace("{uuid}", uuid)
        .replace("{hash}", hash)
        .replace("{key}", key)
}
