//! Drives the rules as a lane does.

use std::collections::BTreeSet;

use semel_core::{
    Command, Context, Key, Refusal, Reply, Rows, Stop,
    actions::{Action, Outcome, UpsertUser},
    execute,
    pictures::PictureRow,
};
use semel_protocol::{PictureId, Timestamp, UserId, picture};
use uuid::Uuid;

use super::{memory::Memory, renderer::Json, words::person};

/// Loads that one decision may need, however many people and messages it is about.
const ROUNDS_MAX: usize = 14;
pub(crate) const CONTENT_KEY: [u8; 32] = [7; 32];
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A store, the rows that are kept of it, and what the world tells: time and seeds.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: Memory,
    rows: Rows,
    pub(crate) now: i64,
    pub(crate) seed: u128,
    /// Loads of the last decision.
    pub(crate) rounds: usize,
}

impl World {
    /// A world with some people in it.
    pub(crate) fn with(names: &[&str]) -> Self {
        let mut world = Self {
            now: 1_767_225_600_000,
            ..Self::default()
        };
        for name in names {
            world.make_user(name);
        }
        world
    }

    pub(crate) fn make_user(&mut self, name: &str) {
        let action = UpsertUser {
            user_id: person(name),
            display_name: None,
            about: None,
            picture: None,
            only_if_absent: true,
            outside_picture: false,
        };
        self.act(name, action).expect("a person can be made");
    }

    /// Somebody has uploaded a picture: its address.
    pub(crate) fn picture_of(&mut self, name: &str) -> String {
        self.seed += 1;
        let id = PictureId(Uuid::from_u128(self.seed));
        let row = PictureRow {
            owner_id: person(name),
            created_at: Timestamp(self.now),
            uses: 0,
            expires_at: Some(Timestamp(self.now + DAY_MS)),
        };
        self.store.pictures.insert(id, row);
        picture::address(id)
    }

    /// Time and ids of one command; each has its own.
    pub(crate) fn context(&self) -> Context<'static> {
        Context {
            now: Timestamp(self.now),
            seed: self.seed << 32,
            content_key: &CONTENT_KEY,
            idempotency_ms: DAY_MS,
            strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        }
    }

    /// Somebody does something, without an idempotency key.
    pub(crate) fn act(
        &mut self,
        name: &str,
        action: impl Into<Action>,
    ) -> Result<Outcome, Refusal> {
        let reply = self.run(&command(name, action.into(), None));
        reply.result.expect("no key, no replay")
    }

    /// One command on its own. Whatever the state of the rows, the decision must be the same.
    pub(crate) fn run(&mut self, command: &Command) -> Reply {
        self.seed += 1;
        let context = self.context();
        // A lane looks for who acts before anything else.
        let actor = Key::Actor(command.actor.clone());
        let mut cold = Rows::default();
        self.store.load(&actor, &mut cold);
        let (reply, asked) = self.decide(command, &mut cold, &context);
        let mut warm = Rows::default();
        self.store.load(&actor, &mut warm);
        for key in &asked {
            self.store.load(key, &mut warm);
        }
        let again = execute(command, &mut warm, &context, &Json).expect("everything is loaded");
        let changes = cold.take_changes();
        assert_eq!(format!("{reply:?}"), format!("{again:?}"));
        assert_eq!(format!("{changes:?}"), format!("{:?}", warm.take_changes()));
        if reply.is_replay() {
            assert!(changes.is_empty(), "a replay changed {changes:?}");
        }
        if let Some(Err(refusal)) = &reply.result {
            let mut rest = changes.clone();
            rest.answers.clear();
            // Some things are counted whatever comes of them.
            rest.budgets.clear();
            assert!(rest.is_empty(), "{refusal:?} changed {rest:?}");
        }
        self.store.apply(changes);
        reply
    }

    /// Several commands on one set of rows, kept from batch to batch, stored at once.
    pub(crate) fn run_batch(&mut self, commands: &[(Command, Context<'_>)]) -> Vec<Reply> {
        let mut rows = std::mem::take(&mut self.rows);
        for (command, _) in commands {
            let mut keys = vec![Key::Actor(command.actor.clone())];
            command.action.keys(&command.actor, &mut keys);
            self.store.load(&Key::Many(keys), &mut rows);
        }
        let decided = commands.iter();
        let replies = decided
            .map(|(command, context)| self.decide(command, &mut rows, context).0)
            .collect();
        self.store.apply(rows.take_changes());
        rows.forget_cold();
        self.rows = rows;
        replies
    }

    /// Drops what is kept between batches.
    pub(crate) fn forget(&mut self) {
        self.rows.forget();
    }

    fn decide(
        &mut self,
        command: &Command,
        rows: &mut Rows,
        context: &Context<'_>,
    ) -> (Reply, Vec<Key>) {
        let mut asked = Vec::new();
        loop {
            match execute(command, rows, context, &Json) {
                Ok(reply) => {
                    self.rounds = asked.len();
                    let is_kept = |key: &Key| !matches!(key, Key::Together(..));
                    rows.lists.retain(|key, _| is_kept(key));
                    return (reply, asked);
                }
                Err(key) => {
                    // Lists have what was done before.
                    self.store.apply(rows.take_changes());
                    self.store.load(&key, rows);
                    asked.push(key);
                    assert!(
                        asked.len() <= ROUNDS_MAX,
                        "{} asks one by one: {asked:?}",
                        command.action.name()
                    );
                }
            }
        }
    }

    /// Asks a question.
    pub(crate) fn ask<T>(
        &self,
        mut question: impl FnMut(&Rows) -> Result<T, Stop>,
    ) -> Result<T, Refusal> {
        let mut rows = Rows::for_question();
        let mut asked = BTreeSet::new();
        loop {
            match question(&rows) {
                Ok(answer) => return Ok(answer),
                Err(Stop::Refused(refusal)) => return Err(*refusal),
                Err(Stop::NotLoaded(key)) => {
                    self.store.load(&key, &mut rows);
                    assert!(asked.len() <= ROUNDS_MAX, "asked one by one: {asked:?}");
                    assert!(asked.insert(key), "asked twice: {asked:?}");
                }
            }
        }
    }
}

/// A command of somebody's.
pub(crate) fn command(name: &str, action: Action, key: Option<&str>) -> Command {
    use semel_core::IdempotencyKey;
    let mut fingerprint = [0; 32];
    let text = format!("{action:?}");
    fingerprint[..16].copy_from_slice(&semel_core::chain::content_hash(
        &[0; 32],
        &[text.as_bytes()],
    ));
    Command {
        actor: UserId::parse(name).expect("a legal id"),
        idempotency: key.map(|key| IdempotencyKey {
            key: key.to_owned(),
            fingerprint,
        }),
        action,
        request_id: "test".to_owned(),
    }
}
