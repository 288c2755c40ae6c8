//! What becomes of everything that is stored about people: in an export, and when they are erased. A table or a column that is new is
//! missing here until somebody has thought of both.

use std::collections::BTreeSet;

use rusqlite::Connection;

/// What a person gets of it.
enum Export {
    /// Lines of this type.
    Line(&'static str),
    /// Nothing, because.
    Not(&'static str),
}

use Export::{Line, Not};

/// Columns of a table, what a person gets of them, and what is left of them after an erasure.
type Fate = (&'static str, &'static str, Export, &'static str);

const NOBODYS: &str = "nothing of it is anybody's";
const COPIES: &str = "copies of what is exported, kept for a day";
const FOLLOWS: &str = "follows from what is exported";
const COUNTERS: &str = "counters that expire";
const STAYS: &str = "stays: the id means nobody any more";

/// Both engines have the same columns, apart from `leases` and `migrations` of `PostgreSQL`, which know nobody: a test of its
/// schema says so.
const FATES: &[Fate] = &[
    (
        "users",
        "id display_name about picture created_at updated_at handle",
        Line("profile"),
        "is that of a deleted account",
    ),
    (
        "users",
        "standing standing_at",
        Not("whoever is suspended or erased cannot ask"),
        "says that they were erased",
    ),
    (
        "contacts",
        "user_id contact_id since own_name",
        Line("contact"),
        "removed; others keep theirs",
    ),
    (
        "blocks",
        "user_id blocked_id since",
        Line("block"),
        "removed, but for those that keep a direct thread shut",
    ),
    (
        "identities",
        "kind value user_id label verified_at created_at",
        Line("identity"),
        "removed at once",
    ),
    (
        "sessions",
        "id user_id kind device_id device_name rotated_at created_at expires_at",
        Line("session"),
        "a day, without the device",
    ),
    (
        "sessions",
        "salt generation revoked_at",
        Not("secrets, and of sign-ins that have ended"),
        "a day",
    ),
    (
        "challenges",
        "id kind value link_to secret_hash sealed tries created_at expires_at used_at session_id",
        Not("secrets for ten minutes"),
        "ten minutes",
    ),
    (
        "effects",
        "id kind sealed attempts due_at expires_at",
        Not("sealed, until it is sent"),
        "until it is sent",
    ),
    (
        "handles",
        "handle user_id created_at expires_at",
        Line("handle"),
        "removed at once",
    ),
    (
        "findability",
        "user_id by_handle by_phone by_email",
        Line("findability"),
        "removed at once",
    ),
    (
        "operators",
        "user_id created_at",
        Line("operator"),
        "removed at once",
    ),
    (
        "audit",
        "id at actor_id deed user_id thread_id message_id report_id reason",
        Line("deed"),
        STAYS,
    ),
    (
        "pictures",
        "id owner_id created_at expires_at",
        Line("picture"),
        "removed, unless a group has it",
    ),
    ("pictures", "uses", Not(FOLLOWS), "as the picture"),
    (
        "picture_bytes",
        "id form bytes",
        Line("picture"),
        "as the picture",
    ),
    (
        "participants",
        "thread_id user_id role joined_rev periods hidden_seq is_active is_removed muted_until pinned_at is_archived",
        Line("thread"),
        "the seat is given up; what they chose is removed",
    ),
    (
        "participants",
        "block",
        Not("follows from blocks; those of others are theirs"),
        "keeps a direct thread shut",
    ),
    (
        "positions",
        "thread_id user_id read_seq delivered_seq",
        Line("thread"),
        STAYS,
    ),
    ("positions", "read_count", Not(FOLLOWS), STAYS),
    (
        "log",
        "thread_id seq message_id client_id kind content reply_to reactions edited_at deleted_at is_removed created_at actor_id rev message_rev",
        Line("message"),
        "a tombstone; reactions stay",
    ),
    (
        "log",
        "id epoch type data content_hash chain last_seq message_count",
        Not("what everybody in the thread is told, and its arithmetic"),
        "what the thread itself said stays",
    ),
    (
        "client_ids",
        "client_id sender_id thread_id seq content_hash",
        Not("of messages, which name it; a keyed hash"),
        STAYS,
    ),
    (
        "reports",
        "id at reporter_id subject user_id thread_id message_id reason details",
        Line("report"),
        "kept for 180 days after it was resolved",
    ),
    (
        "reports",
        "seq rev content said_at edited_at resolved_at resolved_by outcome expires_at",
        Not("words of others, and what operators did"),
        "as above",
    ),
    (
        "invites",
        "id thread_id created_by created_at expires_at uses_max uses",
        Line("invite"),
        "the link is the group's",
    ),
    (
        "threads",
        "id thread_type title title_is_automatic picture description history posting adding naming participants_key is_separate participant_count epoch created_by created_at",
        Line("thread"),
        "the thread is its people's",
    ),
    (
        "participants_keys",
        "participants_key thread_id",
        Not(FOLLOWS),
        "changes with the seat",
    ),
    (
        "person_heads",
        "user_id user_rev",
        Not("how many changes of theirs were told"),
        STAYS,
    ),
    (
        "person_log",
        "user_id subject subject_id user_rev",
        Not("which of the rest changed last"),
        "removed",
    ),
    (
        "answers",
        "id user_id key fingerprint status body location created_at message_ids",
        Not(COPIES),
        "removed",
    ),
    (
        "answer_messages",
        "message_id user_id key",
        Not(COPIES),
        "removed",
    ),
    (
        "budgets",
        "name count expires_at",
        Not(COUNTERS),
        "until they expire",
    ),
    (
        "erasures",
        "user_id began_at stage thread_id seq other_id due_at",
        Not("whoever is erased cannot ask"),
        "removed with the last step",
    ),
    (
        "tellings",
        "user_id stage thread_id rev other_id due_at",
        Not("how far others were told of the profile"),
        "removed with the last step",
    ),
    (
        "signing_keys",
        "name public sealed created_at signs_until expires_at",
        Not(NOBODYS),
        NOBODYS,
    ),
    ("meta", "key value", Not(NOBODYS), NOBODYS),
];

fn columns_of_the_schema() -> BTreeSet<(String, String)> {
    let connection = Connection::open_in_memory().expect("a database");
    for step in crate::sqlite::STEPS {
        connection.execute_batch(step).expect("the schema");
    }
    let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
               WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut select = connection.prepare(sql).expect("a statement");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

#[test]
fn p_export_1_p_erase_5_it_is_said_of_every_column_what_becomes_of_it() {
    let mut said = BTreeSet::new();
    for (table, columns, ..) in FATES {
        for column in columns.split(' ') {
            let place = ((*table).to_owned(), column.to_owned());
            assert!(said.insert(place), "{table}.{column} is there twice");
        }
    }
    let there = columns_of_the_schema();
    let forgotten: Vec<_> = there.difference(&said).collect();
    assert!(
        forgotten.is_empty(),
        "of {forgotten:?} it is not said whether a person gets it and what is left after an erasure"
    );
    let gone: Vec<_> = said.difference(&there).collect();
    assert!(gone.is_empty(), "{gone:?} are no columns");
}

/// What is said to be exported is a type of line that the protocol knows, and the other way round.
#[test]
fn p_export_1_what_is_exported_stands_in_the_protocol() {
    let protocol = include_str!("../../../../../docs/PROTOCOL.md");
    let rule = protocol.split("- **P-EXPORT-1**").nth(1);
    let rule = rule.and_then(|rest| rest.split("- **P-EXPORT-2**").next());
    let rule = rule.expect("the rule");
    for (table, _, export, left) in FATES {
        match export {
            Line(kind) => {
                let is_there = rule.contains(&format!("`{kind}`"));
                assert!(is_there, "{table}: lines of type `{kind}`");
            }
            Not(reason) => assert!(!reason.is_empty(), "{table}"),
        }
        assert!(!left.is_empty(), "{table}");
    }
}
