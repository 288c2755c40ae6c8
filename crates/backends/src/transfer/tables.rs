//! What is moved: every table that both engines have. A test compares this list with the schemas.

/// A table that is moved row by row.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its rows are told apart and put in order by: columns of a unique index, none of them empty.
    pub(crate) key: &'static [&'static str],
}

const fn table(name: &'static str, key: &'static [&'static str]) -> Table {
    Table { name, key }
}

/// In the order in which they are filled: what others refer to comes first.
pub(crate) const TABLES: &[Table] = &[
    table("users", &["id"]),
    table("contacts", &["user_id", "contact_id"]),
    table("threads", &["id"]),
    table("participants", &["thread_id", "user_id"]),
    table("participants_keys", &["participants_key"]),
    table("log", &["thread_id", "rev"]),
    table("client_ids", &["client_id", "sender_id"]),
    table("positions", &["thread_id", "user_id"]),
    table("person_heads", &["user_id"]),
    // Not its primary key, whose second column PostgreSQL keeps in the order of the database's language.
    table("person_log", &["user_id", "user_rev"]),
    table("answers", &["user_id", "key"]),
    table("answer_messages", &["message_id", "user_id", "key"]),
    table("identities", &["kind", "value"]),
    table("challenges", &["id"]),
    table("sessions", &["id"]),
    table("signing_keys", &["name"]),
    table("effects", &["id"]),
    table("budgets", &["name"]),
    table("operators", &["user_id"]),
    table("handles", &["handle"]),
    table("findability", &["user_id"]),
    table("blocks", &["user_id", "blocked_id"]),
    table("audit", &["id"]),
    table("reports", &["id"]),
    table("erasures", &["user_id"]),
    table("tellings", &["user_id"]),
    table("invites", &["id"]),
    table("pictures", &["id"]),
    table("picture_bytes", &["id"]),
];

/// Tables that are not moved row by row, and why.
#[cfg(test)]
pub(crate) const LEFT: &[(&str, &str)] = &[
    ("meta", "what makes the database itself is moved by name"),
    ("migrations", "each engine takes its own steps"),
    ("leases", "no server is at work"),
];
