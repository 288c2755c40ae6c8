//! Somebody who uses the servers' database as well, and not well.

use std::{
    io::{self, Write},
    process::{Child, ChildStdin, Command, Stdio},
    thread::{self, JoinHandle},
};

use semel_services::Postgres;

/// The database of the servers.
const DATABASE: &str = "semel";
/// How often rows are locked, at most.
const ROUNDS: usize = 400;

/// A session of psql. Dropping it ends it, and undoes what it has begun.
#[derive(Debug)]
pub(super) struct Guest {
    child: Child,
    /// Who types. It has the keyboard until the end, at which psql would end.
    typist: Option<JoinHandle<ChildStdin>>,
}

impl Guest {
    /// Connects somebody.
    pub(super) fn invite(postgres: &Postgres) -> io::Result<Self> {
        let child = Command::new("psql")
            .args(["-X", "-q", "-A", "-t"])
            .arg(postgres.url(DATABASE))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            typist: None,
        })
    }

    /// Keeps everybody from a table.
    pub(super) fn lock_table(self, table: &str) -> Self {
        self.say(format!(
            "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;\n"
        ))
    }

    /// Writes something, and goes away before it is committed.
    pub(super) fn idle(self) -> Self {
        let text = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id(); SELECT count(*) FROM log;\n";
        self.say(text.to_owned())
    }

    /// Locks threads in any order, while the servers lock them in one.
    pub(super) fn lock_rows_in_any_order(self) -> Self {
        let lock = "SELECT id FROM threads WHERE id IN (SELECT id FROM threads ORDER BY random() LIMIT 1) FOR UPDATE;";
        let round = format!("BEGIN; {lock} SELECT pg_sleep(0.01); {lock} {lock} ROLLBACK;\n");
        self.say(round.repeat(ROUNDS))
    }

    /// Beside everything else: with a database that is paused nobody reads what is typed.
    fn say(mut self, text: String) -> Self {
        self.typist = self.child.stdin.take().map(|mut keyboard| {
            thread::spawn(move || {
                // It may have ended with the database.
                let _ = keyboard.write_all(text.as_bytes());
                keyboard
            })
        });
        self
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended with the database; a broken connection undoes everything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
