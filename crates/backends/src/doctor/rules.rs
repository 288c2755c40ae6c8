//! Rules that one statement can check, in words that both engines understand.

use uuid::Uuid;

use super::{Finding, REPORT};
use crate::{Error, columns::Columns};

/// What a row of a rule's statement is about.
#[derive(Clone, Copy)]
enum Subject {
    Thread,
    Person,
    ClientId,
    Picture,
    /// Whose id is bytes in every engine, as those of all plain rows.
    Link,
    /// The same of a thread.
    LinksOf,
}

/// A rule that one statement can check: each row that it finds breaks the rule.
pub(crate) struct Rule {
    /// Name of the check.
    pub(crate) check: &'static str,
    subject: Subject,
    /// What is wrong; `{}` is the second column.
    detail: &'static str,
    /// Finds an id and a text or nothing. `uuid_send` makes bytes of an id; where ids are bytes already, it is to be left out.
    pub(crate) sql: &'static str,
}

impl Rule {
    /// What a row says is wrong.
    pub(crate) fn finding(&self, row: &impl Columns) -> Result<Finding, Error> {
        let subject = match self.subject {
            Subject::Thread => format!("thread {}", row.uuid(0)?),
            Subject::ClientId => format!("client id {}", row.uuid(0)?),
            Subject::Link => format!("link {}", id_of(row)?),
            Subject::LinksOf => format!("thread {}", id_of(row)?),
            Subject::Picture => format!("picture {}", row.text(0)?),
            Subject::Person => format!("person {}", row.text(0)?),
        };
        let what = row.text_or_none(1)?.unwrap_or_default();
        Ok(Finding {
            check: self.check,
            subject,
            detail: self.detail.replace("{}", what),
            advice: REPORT,
        })
    }
}

fn id_of(row: &impl Columns) -> Result<Uuid, Error> {
    row.array(0).map(Uuid::from_bytes)
}

/// All of them.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        check: "orphans",
        subject: Subject::Thread,
        detail: "a log without a thread",
        sql: "SELECT thread_id, CAST(NULL AS TEXT) FROM (SELECT DISTINCT thread_id FROM log) AS logs
              WHERE NOT EXISTS (SELECT 1 FROM threads WHERE threads.id = logs.thread_id)",
    },
    Rule {
        check: "orphans",
        subject: Subject::Thread,
        detail: "a thread without a log",
        sql: "SELECT id, CAST(NULL AS TEXT) FROM threads
              WHERE NOT EXISTS (SELECT 1 FROM log WHERE log.thread_id = threads.id)",
    },
    Rule {
        check: "orphans",
        subject: Subject::Thread,
        detail: "a position of {}, who was never in it",
        sql: "SELECT thread_id, user_id FROM positions
              WHERE NOT EXISTS (SELECT 1 FROM participants WHERE participants.thread_id = positions.thread_id
                  AND participants.user_id = positions.user_id)",
    },
    Rule {
        check: "participants keys",
        subject: Subject::Thread,
        detail: "its participants key belongs to another thread, or to none",
        sql: "SELECT id, CAST(NULL AS TEXT) FROM threads WHERE participants_key IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM participants_keys
                      WHERE participants_keys.participants_key = threads.participants_key AND thread_id = id)",
    },
    Rule {
        check: "participants keys",
        subject: Subject::Thread,
        detail: "it is registered under a key that it does not have",
        sql: "SELECT thread_id, CAST(NULL AS TEXT) FROM participants_keys JOIN threads ON id = thread_id
              WHERE threads.participants_key IS DISTINCT FROM participants_keys.participants_key",
    },
    Rule {
        check: "client ids",
        subject: Subject::Thread,
        detail: "message {} is not found by its client id",
        sql: "SELECT thread_id, CAST(seq AS TEXT) FROM log
              WHERE client_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM client_ids
                  WHERE client_ids.client_id = log.client_id AND sender_id = actor_id
                  AND client_ids.thread_id = log.thread_id AND client_ids.seq = log.seq)",
    },
    Rule {
        check: "client ids",
        subject: Subject::ClientId,
        detail: "it names message {}, which is not there",
        // Each message is found by its client id, see above. So if there are as many of both, no client id is left over, and
        // only if not, they are compared.
        sql: "WITH differ (it) AS MATERIALIZED (SELECT (SELECT count(*) FROM client_ids WHERE seq IS NOT NULL)
                  <> (SELECT count(*) FROM log WHERE client_id IS NOT NULL))
              SELECT client_id, CAST(seq AS TEXT)
              FROM (SELECT client_id, sender_id, thread_id, seq FROM client_ids
                      WHERE seq IS NOT NULL AND (SELECT it FROM differ)
                  EXCEPT SELECT client_id, actor_id, thread_id, seq FROM log
                      WHERE client_id IS NOT NULL AND (SELECT it FROM differ)) AS left_over",
    },
    Rule {
        check: "client ids",
        subject: Subject::ClientId,
        detail: "it names a thread that is not there",
        sql: "SELECT client_id, CAST(NULL AS TEXT) FROM client_ids
              WHERE NOT EXISTS (SELECT 1 FROM threads WHERE threads.id = client_ids.thread_id)",
    },
    Rule {
        check: "blocks",
        subject: Subject::Thread,
        detail: "the seat of {} says something else of a block than is stored",
        sql: "SELECT me.thread_id, me.user_id FROM participants AS me
              JOIN threads ON threads.id = me.thread_id AND thread_type = 'direct'
              JOIN participants AS you ON you.thread_id = me.thread_id AND you.user_id <> me.user_id
              LEFT JOIN blocks AS mine ON mine.user_id = me.user_id AND mine.blocked_id = you.user_id
              LEFT JOIN blocks AS yours ON yours.user_id = you.user_id AND yours.blocked_id = me.user_id
              WHERE me.block IS DISTINCT FROM CASE
                  WHEN mine.user_id IS NOT NULL AND yours.user_id IS NOT NULL THEN 'both'
                  WHEN mine.user_id IS NOT NULL THEN 'blocks'
                  WHEN yours.user_id IS NOT NULL THEN 'is_blocked' END",
    },
    Rule {
        check: "people's own logs",
        subject: Subject::Person,
        detail: "the log goes beyond its end",
        sql: "SELECT user_id, CAST(NULL AS TEXT) FROM person_log GROUP BY user_id HAVING max(user_rev) >
                  coalesce((SELECT user_rev FROM person_heads WHERE person_heads.user_id = person_log.user_id), 0)",
    },
    Rule {
        check: "handles",
        subject: Subject::Person,
        detail: "the handle {} of the profile is not theirs in the table of handles",
        sql: "SELECT id, handle FROM users WHERE handle IS NOT NULL AND NOT EXISTS (SELECT 1 FROM handles
                  WHERE handles.handle = users.handle AND handles.user_id = users.id AND handles.expires_at IS NULL)",
    },
    Rule {
        check: "handles",
        subject: Subject::Person,
        detail: "they have the handle {}, which their profile does not show",
        sql: "SELECT user_id, handles.handle FROM handles WHERE expires_at IS NULL AND NOT EXISTS (SELECT 1 FROM users
                  WHERE users.id = handles.user_id AND users.handle = handles.handle)",
    },
    Rule {
        check: "stored answers",
        subject: Subject::Person,
        detail: "a message is said to be in an answer that is not there",
        sql: "SELECT user_id, CAST(NULL AS TEXT) FROM answer_messages
              WHERE NOT EXISTS (SELECT 1 FROM answers
                  WHERE answers.user_id = answer_messages.user_id AND answers.key = answer_messages.key)",
    },
    Rule {
        check: "stored answers",
        subject: Subject::Person,
        detail: "an answer tells of a message that is in no log",
        sql: "SELECT user_id, CAST(NULL AS TEXT) FROM answer_messages
              WHERE NOT EXISTS (SELECT 1 FROM log WHERE log.message_id = answer_messages.message_id)",
    },
    Rule {
        check: "pictures",
        subject: Subject::Picture,
        detail: "{} people and threads have it, another number is counted",
        sql: "SELECT pictures.id, CAST(coalesce(counted.n, 0) AS TEXT) FROM pictures LEFT JOIN
                  (SELECT picture, count(*) AS n FROM
                      (SELECT picture FROM users UNION ALL SELECT picture FROM threads) AS had
                  WHERE picture LIKE '/api/pictures/%' GROUP BY picture) AS counted
              ON counted.picture = '/api/pictures/' || pictures.id WHERE uses <> coalesce(counted.n, 0)",
    },
    Rule {
        check: "pictures",
        subject: Subject::Picture,
        detail: "somebody or a thread has it, and it is not there",
        sql: "SELECT substr(picture, 15), CAST(NULL AS TEXT) FROM
                  (SELECT picture FROM users UNION ALL SELECT picture FROM threads) AS had
              WHERE picture LIKE '/api/pictures/%'
                  AND NOT EXISTS (SELECT 1 FROM pictures WHERE pictures.id = substr(had.picture, 15))",
    },
    Rule {
        check: "pictures",
        subject: Subject::Picture,
        detail: "nothing says what it shows",
        sql: "SELECT id, CAST(NULL AS TEXT) FROM pictures
              WHERE NOT EXISTS (SELECT 1 FROM picture_bytes WHERE picture_bytes.id = pictures.id)",
    },
    Rule {
        check: "pictures",
        subject: Subject::Picture,
        detail: "what it shows is kept without it",
        sql: "SELECT id, CAST(NULL AS TEXT) FROM picture_bytes
              WHERE NOT EXISTS (SELECT 1 FROM pictures WHERE pictures.id = picture_bytes.id)",
    },
    Rule {
        check: "links",
        subject: Subject::Link,
        detail: "it leads into no group",
        sql: "SELECT id, CAST(NULL AS TEXT) FROM invites WHERE NOT EXISTS (SELECT 1 FROM threads
                  WHERE uuid_send(threads.id) = invites.thread_id AND thread_type = 'group')",
    },
    Rule {
        check: "links",
        subject: Subject::Link,
        detail: "it was made by {}, who was never in the group",
        sql: "SELECT id, created_by FROM invites WHERE NOT EXISTS (SELECT 1 FROM participants
                  WHERE uuid_send(participants.thread_id) = invites.thread_id AND user_id = created_by)",
    },
    Rule {
        check: "links",
        subject: Subject::LinksOf,
        detail: "its links were used {} times, and fewer people came in by themselves",
        // Who joins by a link is the actor and the only one who comes in. Links that were revoked are gone, their uses are not.
        sql: r#"SELECT used.thread_id, CAST(used.n AS TEXT) FROM
                  (SELECT thread_id, sum(uses) AS n FROM invites WHERE uses > 0 GROUP BY thread_id) AS used
              LEFT JOIN (SELECT uuid_send(log.thread_id) AS thread_id, count(*) AS n
                  FROM (SELECT thread_id, data, '{"user_ids":["' || replace(replace(actor_id, '\', '\\'), '"', '\"') || '"]' AS own
                      FROM log WHERE type = 'participants_added') AS log
                  WHERE substr(data, 1, length(own)) = own GROUP BY log.thread_id) AS came
              ON came.thread_id = used.thread_id WHERE used.n > coalesce(came.n, 0)"#,
    },
];
