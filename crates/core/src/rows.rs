//! The rows that rules and questions work on.

mod plain;

use std::collections::{BTreeSet, HashMap};

use semel_protocol::{
    AuditId, ChallengeId, ClientId, InviteId, MessageId, PictureId, ReportId, Seq, SessionId,
    ThreadId, Timestamp, UserId,
};
use uuid::Uuid;

use crate::{
    Key, Stop,
    chain::Chain,
    erasure::ErasureRow,
    invites::InviteRow,
    participants_key::ParticipantsKey,
    people::{FindabilityRow, HandleRow},
    pictures::{PictureBytesRow, PictureRow},
    plain::PlainKey,
    row::{
        AnswerRow, BlockRow, ClientIdRow, ContactRow, EntryRow, HeadRow, MessageRow,
        ParticipantRow, PositionRow, Subject, ThreadRow, UserRow,
    },
    safety::{AuditRow, ReportRow},
    sign_in::{
        BudgetRow, ChallengeRow, EffectRow, IdentityKey, IdentityRow, OperatorRow, SessionRow,
        SigningKeyRow,
    },
    table::Table,
    telling::TellingRow,
};

/// A place in a thread.
pub type Place = (ThreadId, Seq);
/// A person in a thread.
pub type Seat = (ThreadId, UserId);
/// A person's idempotency key.
pub type AnswerKey = (UserId, String);

macro_rules! tables {
    ($($(#[$doc:meta])* $field:ident: $key:ty => $row:ty, $hot:literal;)*) => {
        /// Every row that was loaded, and what the actions so far have written.
        ///
        /// A store fills the tables with [`Table::load`] and stores what [`Rows::take_changes`] gives. Rules use the
        /// methods: a getter answers [`Stop::NotLoaded`] where the store was not asked yet.
        #[derive(Debug, Default, Clone)]
        pub struct Rows {
            $($(#[$doc])* pub $field: Table<$key, $row>,)*
            /// Answers to list keys. Not written by actions.
            pub lists: HashMap<Key, List>,
            entries: Vec<EntryRow>,
            entries_pending: Vec<EntryRow>,
            /// Budgets that the action at hand has spent of whatever comes of it.
            counted: BTreeSet<String>,
            is_question: bool,
        }

        /// What a batch of actions changed, table by table in the order of the keys; `None` removes the row.
        #[derive(Debug, Default, Clone)]
        pub struct Changes {
            $($(#[$doc])* pub $field: Vec<($key, Option<$row>)>,)*
            /// New entries, in the order of the actions.
            pub entries: Vec<EntryRow>,
        }

        impl Rows {
            /// Accepts what the action at hand wrote.
            pub fn settle(&mut self) {
                $(self.$field.settle();)*
                self.entries.append(&mut self.entries_pending);
                self.counted.clear();
            }

            /// Drops what the action at hand wrote.
            pub fn undo(&mut self) {
                $(self.$field.undo();)*
                self.entries_pending.clear();
                self.counted.clear();
            }

            /// What was accepted since the last call.
            pub fn take_changes(&mut self) -> Changes {
                Changes {
                    $($field: self.$field.take_changes(),)*
                    entries: std::mem::take(&mut self.entries),
                }
            }

            /// Forgets what is rarely asked for twice (messages, client ids, stored answers, lists), keeps what is:
            /// threads, heads, people. For the only writer of a database, after a commit.
            pub fn forget_cold(&mut self) {
                $(if !$hot { self.$field.clear(); })*
                self.lists.retain(|key, _| matches!(key, Key::Roster(_)));
            }

            /// Forgets everything.
            pub fn forget(&mut self) {
                $(self.$field.clear();)*
                self.lists.clear();
                self.entries.clear();
                self.entries_pending.clear();
                self.counted.clear();
            }

            /// How many keys are known, over all tables.
            pub fn len(&self) -> usize {
                let mut sum = self.lists.len();
                $(sum += self.$field.len();)*
                sum
            }
        }

        impl Changes {
            /// Whether nothing changed.
            pub fn is_empty(&self) -> bool {
                self.entries.is_empty() $(&& self.$field.is_empty())*
            }
        }
    };
}

tables! {
    /// Threads.
    threads: ThreadId => ThreadRow, true;
    /// Ends of logs.
    heads: ThreadId => HeadRow, true;
    /// People in threads, now or before.
    participants: Seat => ParticipantRow, true;
    /// How far people are.
    positions: Seat => PositionRow, true;
    /// Who owns a participants key.
    participants_keys: ParticipantsKey => ThreadId, true;
    /// What client ids were used for.
    client_ids: (ClientId, UserId) => ClientIdRow, false;
    /// Messages by place.
    messages: Place => MessageRow, false;
    /// Places of messages by id. Follows from `messages`; a store need not keep it apart.
    message_seqs: (ThreadId, MessageId) => Seq, false;
    /// People.
    users: UserId => UserRow, true;
    /// Contacts: the second is one of the first.
    contacts: (UserId, UserId) => ContactRow, true;
    /// Ends of people's own logs.
    person_heads: UserId => u64, true;
    /// People's own logs: the number of the newest line of each subject. Written without being loaded.
    person_log: (UserId, Subject) => u64, false;
    /// Stored answers.
    answers: AnswerKey => AnswerRow, false;
    /// By what people are known.
    identities: IdentityKey => IdentityRow, false;
    /// Sign-ins that were begun.
    challenges: ChallengeId => ChallengeRow, false;
    /// Devices that are signed in.
    sessions: SessionId => SessionRow, false;
    /// Keys that sign access tokens.
    signing_keys: String => SigningKeyRow, false;
    /// What is to be done outside.
    effects: Uuid => EffectRow, false;
    /// How often things happened.
    budgets: String => BudgetRow, false;
    /// Who runs this server.
    operators: UserId => OperatorRow, false;
    /// Whose handles are.
    handles: String => HandleRow, false;
    /// How people may be found.
    findability: UserId => FindabilityRow, false;
    /// Blocks: the first has blocked the second.
    blocks: (UserId, UserId) => BlockRow, false;
    /// What operators did.
    audit: AuditId => AuditRow, false;
    /// People who are being erased.
    erasures: UserId => ErasureRow, false;
    /// Changed profiles that are being told.
    tellings: UserId => TellingRow, false;
    /// What people reported.
    reports: ReportId => ReportRow, false;
    /// Links that invite into groups.
    invites: InviteId => InviteRow, false;
    /// Pictures of people and groups.
    pictures: PictureId => PictureRow, false;
    /// What they show. Written without being loaded, under the lock of the row above.
    picture_bytes: PictureId => PictureBytesRow, false;
}

/// The answer to a list key.
#[derive(Debug, Clone)]
pub enum List {
    /// To [`Key::Roster`] and [`Key::Standing`], [`Key::ContactsOf`].
    People(Vec<UserId>),
    /// To [`Key::Entries`].
    Entries(Vec<EntryRow>),
    /// To [`Key::ThreadsOf`].
    Threads(Vec<(Timestamp, ThreadId)>),
    /// To [`Key::SeatsOf`] and [`Key::Together`].
    Seats(Vec<ThreadId>),
    /// To [`Key::PersonLog`].
    Subjects(Vec<(u64, Subject)>),
    /// To [`Key::ChainAt`].
    Chain(Option<Chain>),
    /// To [`Key::AnswersNaming`], [`Key::AnswersBefore`] and [`Key::AnswersOf`].
    Answers(Vec<AnswerKey>),
    /// To [`Key::Messages`]: they are in the table.
    Messages,
    /// To lists of [`Key::Plain`].
    Plain(Vec<PlainKey>),
}

type Loaded<T> = Result<T, Stop>;

fn known<T>(row: Option<T>, key: impl FnOnce() -> Key) -> Loaded<T> {
    row.ok_or_else(|| Stop::NotLoaded(key()))
}

impl Rows {
    /// Rows for a question: nothing is written, so lists may be loaded in part.
    pub fn for_question() -> Self {
        Self {
            is_question: true,
            ..Self::default()
        }
    }

    /// What was spent of a budget stays spent when the action at hand is refused.
    pub(crate) fn count_whatever_comes(&mut self, budget: &str) {
        self.counted.insert(budget.to_owned());
    }

    /// Drops what the action at hand wrote, apart from what counts whatever comes of it.
    pub(crate) fn undo_but_counted(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        let spent = counted.into_iter().map(|name| {
            let row = self.budgets.get(&name).flatten().copied();
            (name, row)
        });
        let spent: Vec<_> = spent.collect();
        self.undo();
        for (name, row) in spent {
            self.budgets.put(name, row);
        }
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn thread(&self, id: ThreadId) -> Loaded<Option<&ThreadRow>> {
        known(self.threads.get(&id), || Key::Thread(id))
    }

    pub(crate) fn head(&self, id: ThreadId) -> Loaded<&HeadRow> {
        let head = known(self.heads.get(&id), || Key::Thread(id))?;
        Ok(head.expect("a thread has a head"))
    }

    pub(crate) fn participant(
        &self,
        id: ThreadId,
        who: &UserId,
    ) -> Loaded<Option<&ParticipantRow>> {
        known(self.participants.get(&(id, who.clone())), || {
            Key::Participant(id, who.clone())
        })
    }

    pub(crate) fn position(&self, id: ThreadId, who: &UserId) -> Loaded<PositionRow> {
        let row = known(self.positions.get(&(id, who.clone())), || {
            Key::Participant(id, who.clone())
        })?;
        Ok(row.copied().unwrap_or_default())
    }

    /// Everybody who is in the thread now, longest-standing first.
    pub(crate) fn active(&self, id: ThreadId) -> Loaded<Vec<(UserId, &ParticipantRow)>> {
        let List::People(people) = self.list(&Key::Roster(id))? else {
            return Err(Stop::NotLoaded(Key::Roster(id)));
        };
        let mut active = Vec::with_capacity(people.len());
        for who in people {
            if let Some(row) = self.participant(id, who)?.filter(|row| row.is_active()) {
                active.push((who.clone(), row));
            }
        }
        active.sort_by(|(a, x), (b, y)| (x.joined_rev, a).cmp(&(y.joined_rev, b)));
        Ok(active)
    }

    /// The first of them. A question loads no more than these.
    pub(crate) fn standing(&self, id: ThreadId, limit: usize) -> Loaded<Vec<UserId>> {
        if self.is_question {
            return self
                .people(&Key::Standing(id, None, limit))
                .map(<[UserId]>::to_vec);
        }
        let active = self.active(id)?;
        Ok(active.into_iter().take(limit).map(|(who, _)| who).collect())
    }

    pub(crate) fn people(&self, key: &Key) -> Loaded<&[UserId]> {
        match self.list(key)? {
            List::People(people) => Ok(people),
            _ => Err(Stop::NotLoaded(key.clone())),
        }
    }

    /// Threads: of [`Key::SeatsOf`] or [`Key::Together`].
    pub(crate) fn seats(&self, key: &Key) -> Loaded<&[ThreadId]> {
        match self.list(key)? {
            List::Seats(threads) => Ok(threads),
            _ => Err(Stop::NotLoaded(key.clone())),
        }
    }

    /// Whether two people are in a thread, one or more. Threads of this batch may go unseen.
    pub(crate) fn are_together(&self, one: &UserId, other: &UserId) -> Loaded<bool> {
        let key = Key::Together(one.clone(), other.clone());
        Ok(!self.seats(&key)?.is_empty())
    }

    pub(crate) fn list(&self, key: &Key) -> Loaded<&List> {
        known(self.lists.get(key), || key.clone())
    }

    pub(crate) fn owner_of(&self, key: ParticipantsKey) -> Loaded<Option<ThreadId>> {
        Ok(known(self.participants_keys.get(&key), || {
            Key::ParticipantsKey(key)
        })?
        .copied())
    }

    pub(crate) fn client_id(&self, id: ClientId, who: &UserId) -> Loaded<Option<&ClientIdRow>> {
        known(self.client_ids.get(&(id, who.clone())), || {
            Key::ClientId(id, who.clone())
        })
    }

    pub(crate) fn message(&self, id: ThreadId, seq: Seq) -> Loaded<Option<&MessageRow>> {
        known(self.messages.get(&(id, seq)), || Key::Message(id, seq))
    }

    pub(crate) fn message_by_id(
        &self,
        id: ThreadId,
        message: MessageId,
    ) -> Loaded<Option<&MessageRow>> {
        match known(self.message_seqs.get(&(id, message)), || {
            Key::MessageId(id, message)
        })? {
            Some(seq) => self.message(id, *seq),
            None => Ok(None),
        }
    }

    pub(crate) fn user(&self, who: &UserId) -> Loaded<Option<&UserRow>> {
        known(self.users.get(who), || Key::User(who.clone()))
    }

    /// Who acts.
    pub(crate) fn actor(&self, who: &UserId) -> Loaded<Option<&UserRow>> {
        known(self.users.get(who), || Key::Actor(who.clone()))
    }

    pub(crate) fn contact(&self, of: &UserId, who: &UserId) -> Loaded<Option<&ContactRow>> {
        let key = (of.clone(), who.clone());
        known(self.contacts.get(&key), || {
            Key::Contact(of.clone(), who.clone())
        })
    }

    pub(crate) fn person_head(&self, who: &UserId) -> Loaded<u64> {
        let head = known(self.person_heads.get(who), || Key::PersonHead(who.clone()))?;
        Ok(head.copied().unwrap_or(0))
    }

    /// The number of a line of a person's own log.
    pub(crate) fn person_line(&self, who: &UserId, subject: &Subject) -> Loaded<Option<u64>> {
        let line = (who.clone(), subject.clone());
        let number = known(self.person_log.get(&line), || {
            Key::PersonLine(who.clone(), subject.clone())
        })?;
        Ok(number.copied())
    }

    /// Up to `limit` lines of a person's own log after a number, oldest first.
    pub(crate) fn person_log(
        &self,
        who: &UserId,
        after: u64,
        limit: usize,
    ) -> Loaded<&[(u64, Subject)]> {
        let key = Key::PersonLog(who.clone(), after, limit);
        match self.list(&key)? {
            List::Subjects(lines) => Ok(lines),
            _ => Err(Stop::NotLoaded(key)),
        }
    }

    pub(crate) fn answer(&self, who: &UserId, key: &str) -> Loaded<Option<&AnswerRow>> {
        let pair = (who.clone(), key.to_owned());
        known(self.answers.get(&pair), || {
            Key::Answer(who.clone(), key.to_owned())
        })
    }

    /// The stored answers that have a message's words: those in the store, and those of this batch.
    pub(crate) fn answers_naming(&self, id: MessageId) -> Loaded<BTreeSet<AnswerKey>> {
        let key = Key::AnswersNaming(id);
        let List::Answers(stored) = self.list(&key)? else {
            return Err(Stop::NotLoaded(key));
        };
        let fresh = self
            .answers
            .iter()
            .filter(|(_, row)| row.message_ids.contains(&id));
        Ok(stored
            .iter()
            .chain(fresh.map(|(key, _)| key))
            .cloned()
            .collect())
    }

    /// Keys of stored answers: of [`Key::AnswersOf`].
    pub(crate) fn answers_of(&self, who: &UserId, limit: usize) -> Loaded<&[AnswerKey]> {
        let key = Key::AnswersOf(who.clone(), limit);
        match self.list(&key)? {
            List::Answers(keys) => Ok(keys),
            _ => Err(Stop::NotLoaded(key)),
        }
    }

    pub(crate) fn put_participant(&mut self, id: ThreadId, who: UserId, row: ParticipantRow) {
        if let Some(List::People(roster)) = self.lists.get_mut(&Key::Roster(id))
            && !roster.contains(&who)
        {
            roster.push(who.clone());
        }
        self.participants.put((id, who), Some(row));
    }

    pub(crate) fn put_message(&mut self, row: MessageRow) {
        self.message_seqs
            .put((row.thread_id, row.id), Some(row.seq));
        self.messages.put((row.thread_id, row.seq), Some(row));
    }

    pub(crate) fn append(&mut self, entry: EntryRow) {
        self.entries_pending.push(entry);
    }

    /// A new thread with its first people: nobody else has been in it.
    pub(crate) fn begin_roster(&mut self, id: ThreadId, people: Vec<UserId>) {
        self.lists.insert(Key::Roster(id), List::People(people));
    }

    /// Notes in a person's own log that something of theirs changed.
    pub(crate) fn tell_person(&mut self, who: &UserId, subject: Subject) -> Loaded<()> {
        let next = self.person_head(who)? + 1;
        self.person_heads.put(who.clone(), Some(next));
        self.person_log.put((who.clone(), subject), Some(next));
        Ok(())
    }

    /// Removes a line of a person's own log.
    pub(crate) fn forget_line(&mut self, who: &UserId, subject: Subject) {
        self.person_log.put((who.clone(), subject), None);
    }

    /// Does something for each item; what is missing for any of them is asked for at once.
    pub(crate) fn gather<I, T>(
        items: impl IntoIterator<Item = I>,
        mut each: impl FnMut(I) -> Loaded<T>,
    ) -> Loaded<Vec<T>> {
        let (mut done, mut missing) = (Vec::new(), Vec::new());
        for item in items {
            match each(item) {
                Ok(value) => done.push(value),
                Err(Stop::NotLoaded(key)) => missing.push(key),
                Err(stop) => return Err(stop),
            }
        }
        // Many items may need the same row.
        missing.sort();
        missing.dedup();
        match missing.len() {
            0 => Ok(done),
            1 => Err(Stop::NotLoaded(missing.remove(0))),
            _ => Err(Stop::NotLoaded(Key::Many(missing))),
        }
    }

    /// The set of ids that a thread's participants key is made of.
    pub(crate) fn people_of(&self, id: ThreadId) -> Loaded<BTreeSet<UserId>> {
        Ok(self.active(id)?.into_iter().map(|(who, _)| who).collect())
    }
}
