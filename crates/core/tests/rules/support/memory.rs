//! The smallest store that keeps what actions change and loads what they ask for.

use std::{collections::BTreeMap, fmt::Debug};

use semel_core::{
    Changes, Key, Rows,
    invites::InviteRow,
    participants_key::ParticipantsKey,
    people::HandleRow,
    pictures::PictureRow,
    plain::PlainKey,
    row::{
        AnswerRow, BlockRow, ClientIdRow, ContactRow, EntryRow, HeadRow, MessageRow,
        ParticipantRow, PositionRow, Subject, ThreadRow, UserRow,
    },
    rows::{AnswerKey, List, Place, Seat},
    sign_in::BudgetRow,
    telling::TellingRow,
};
use semel_protocol::{ClientId, InviteId, PictureId, Rev, ThreadId, Timestamp, UserId};

/// Every table, and the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) threads: BTreeMap<ThreadId, ThreadRow>,
    pub(crate) heads: BTreeMap<ThreadId, HeadRow>,
    pub(crate) participants: BTreeMap<Seat, ParticipantRow>,
    pub(crate) positions: BTreeMap<Seat, PositionRow>,
    pub(crate) participants_keys: BTreeMap<ParticipantsKey, ThreadId>,
    pub(crate) client_ids: BTreeMap<(ClientId, UserId), ClientIdRow>,
    pub(crate) messages: BTreeMap<Place, MessageRow>,
    pub(crate) users: BTreeMap<UserId, UserRow>,
    pub(crate) contacts: BTreeMap<(UserId, UserId), ContactRow>,
    pub(crate) blocks: BTreeMap<(UserId, UserId), BlockRow>,
    pub(crate) invites: BTreeMap<InviteId, InviteRow>,
    pub(crate) pictures: BTreeMap<PictureId, PictureRow>,
    pub(crate) budgets: BTreeMap<String, BudgetRow>,
    pub(crate) tellings: BTreeMap<UserId, TellingRow>,
    pub(crate) handles: BTreeMap<String, HandleRow>,
    pub(crate) person_heads: BTreeMap<UserId, u64>,
    pub(crate) person_log: BTreeMap<(UserId, Subject), u64>,
    pub(crate) answers: BTreeMap<AnswerKey, AnswerRow>,
    pub(crate) entries: BTreeMap<(ThreadId, Rev), EntryRow>,
}

fn store<K: Ord, V>(table: &mut BTreeMap<K, V>, changes: Vec<(K, Option<V>)>) {
    for (key, row) in changes {
        match row {
            Some(row) => table.insert(key, row),
            None => table.remove(&key),
        };
    }
}

fn get<K: Ord + Clone + Debug, V: Clone>(table: &BTreeMap<K, V>, key: &K) -> (K, Option<V>) {
    (key.clone(), table.get(key).cloned())
}

impl Memory {
    /// Commits.
    pub(crate) fn apply(&mut self, changes: Changes) {
        store(&mut self.threads, changes.threads);
        store(&mut self.heads, changes.heads);
        store(&mut self.participants, changes.participants);
        store(&mut self.positions, changes.positions);
        store(&mut self.participants_keys, changes.participants_keys);
        store(&mut self.client_ids, changes.client_ids);
        store(&mut self.messages, changes.messages);
        store(&mut self.users, changes.users);
        store(&mut self.contacts, changes.contacts);
        store(&mut self.blocks, changes.blocks);
        store(&mut self.invites, changes.invites);
        store(&mut self.pictures, changes.pictures);
        store(&mut self.budgets, changes.budgets);
        store(&mut self.tellings, changes.tellings);
        store(&mut self.handles, changes.handles);
        store(&mut self.person_heads, changes.person_heads);
        store(&mut self.person_log, changes.person_log);
        store(&mut self.answers, changes.answers);
        for entry in changes.entries {
            let place = (entry.thread_id, entry.rev);
            let before = self.entries.insert(place, entry);
            assert!(before.is_none(), "rev {place:?} was given out twice");
        }
    }

    /// Loads what a key names.
    pub(crate) fn load(&self, key: &Key, rows: &mut Rows) {
        match key {
            Key::Many(keys) => keys.iter().for_each(|key| self.load(key, rows)),
            Key::Thread(id) => {
                let (id, thread) = get(&self.threads, id);
                rows.threads.load(id, thread);
                rows.heads.load(id, self.heads.get(&id).cloned());
            }
            Key::Participant(id, who) => self.load_seat(&(*id, who.clone()), rows),
            Key::ParticipantsKey(key) => {
                let (key, owner) = get(&self.participants_keys, key);
                rows.participants_keys.load(key, owner);
            }
            Key::ClientId(id, who) => {
                let (key, row) = get(&self.client_ids, &(*id, who.clone()));
                rows.client_ids.load(key, row);
            }
            Key::Message(id, seq) => self.load_message((*id, *seq), rows),
            Key::MessageId(id, message) => {
                let of_thread = self.messages.range((*id, 0)..=(*id, u64::MAX));
                let seq = of_thread.map(|(_, row)| row).find(|row| row.id == *message);
                let seq = seq.map(|row| row.seq);
                rows.message_seqs.load((*id, *message), seq);
                if let Some(seq) = seq {
                    self.load_message((*id, seq), rows);
                }
            }
            Key::User(who) | Key::Actor(who) | Key::Alone(who) => self.load_user(who, rows),
            Key::Contact(of, who) => {
                let (pair, row) = get(&self.contacts, &(of.clone(), who.clone()));
                rows.contacts.load(pair, row);
            }
            Key::PersonHead(who) => {
                let (who, head) = get(&self.person_heads, who);
                rows.person_heads.load(who, head);
            }
            Key::PersonLine(who, subject) => {
                let (line, number) = get(&self.person_log, &(who.clone(), subject.clone()));
                rows.person_log.load(line, number);
            }
            Key::Answer(who, name) => {
                let (name, row) = get(&self.answers, &(who.clone(), name.clone()));
                rows.answers.load(name, row);
            }
            Key::Plain(key) if !key.is_list() => self.load_plain(key, rows),
            list => {
                let found = self.list(list, rows);
                rows.lists.entry(list.clone()).or_insert(found);
            }
        }
    }

    fn load_plain(&self, key: &PlainKey, rows: &mut Rows) {
        match key {
            PlainKey::Picture(id) => {
                let (id, row) = get(&self.pictures, id);
                rows.pictures.load(id, row);
            }
            PlainKey::Block(by, who) => {
                let (pair, row) = get(&self.blocks, &(by.clone(), who.clone()));
                rows.blocks.load(pair, row);
            }
            PlainKey::Invite(id) => {
                let (id, row) = get(&self.invites, id);
                rows.invites.load(id, row);
            }
            PlainKey::Budget(name) => {
                let (name, row) = get(&self.budgets, name);
                rows.budgets.load(name, row);
            }
            PlainKey::Telling(who) => {
                let (who, row) = get(&self.tellings, who);
                rows.tellings.load(who, row);
            }
            PlainKey::Handle(name) => {
                let (name, row) = get(&self.handles, name);
                rows.handles.load(name, row);
            }
            other => unreachable!("{other:?} is not asked for"),
        }
    }

    fn list(&self, key: &Key, rows: &mut Rows) -> List {
        match key {
            Key::Roster(id) => List::People(self.seats(*id, rows, |_| true)),
            Key::Standing(id, after, limit) => self.standing(*id, after.as_ref(), *limit, rows),
            Key::Messages(id, from, to) => {
                (*from..=*to).for_each(|seq| self.load_message((*id, seq), rows));
                List::Messages
            }
            Key::Entries(id, after, limit) => self.entries(*id, *after, *limit, rows),
            Key::ChainAt(id, rev) => {
                List::Chain(self.entries.get(&(*id, *rev)).map(|entry| entry.chain))
            }
            Key::ThreadsOf(who, after, limit) => self.threads_of(who, *after, *limit),
            Key::ContactsOf(who, after, limit) => {
                let of = self.contacts.keys().filter(|(of, _)| of == who);
                let others = of.map(|(_, other)| other.clone());
                let page = others.filter(|other| after.as_ref().is_none_or(|after| other > after));
                let page: Vec<UserId> = page.take(*limit).collect();
                for other in &page {
                    self.load_user(other, rows);
                    self.load(&Key::Contact(who.clone(), other.clone()), rows);
                }
                List::People(page)
            }
            Key::SeatsOf(who, after, limit) => {
                let seats = self.participants.keys();
                let seats = seats.filter(|(id, other)| other == who && Some(*id) > *after);
                List::Seats(seats.map(|(id, _)| *id).take(*limit).collect())
            }
            Key::PersonLog(who, since, limit) => {
                let own = self.person_log.iter();
                let own = own.filter(|((of, _), n)| of == who && *n > since);
                let mut own: Vec<_> = own.map(|((_, subject), n)| (*n, subject.clone())).collect();
                own.sort();
                own.truncate(*limit);
                List::Subjects(own)
            }
            Key::Together(one, other) => {
                let is_in = |id: &ThreadId, who: &UserId| {
                    let seat = self.participants.get(&(*id, who.clone()));
                    seat.is_some_and(ParticipantRow::is_active)
                };
                let both = |id: &&ThreadId| is_in(id, one) && is_in(id, other);
                List::Seats(
                    self.threads
                        .keys()
                        .find(both)
                        .copied()
                        .into_iter()
                        .collect(),
                )
            }
            Key::AnswersNaming(id) => {
                let naming = self.answers.iter();
                let naming = naming.filter(|(_, row)| row.message_ids.contains(id));
                List::Answers(naming.map(|(key, _)| key.clone()).collect())
            }
            Key::AnswersBefore(time, limit) => {
                let old = self
                    .answers
                    .iter()
                    .filter(|(_, row)| row.created_at < *time);
                List::Answers(old.map(|(key, _)| key.clone()).take(*limit).collect())
            }
            Key::Plain(key) => List::Plain(self.plain(key)),
            other => unreachable!("{other:?} is no list"),
        }
    }

    fn plain(&self, key: &PlainKey) -> Vec<PlainKey> {
        let pairs = self.blocks.keys();
        let of = |(by, who): &(UserId, UserId)| PlainKey::Block(by.clone(), who.clone());
        match key {
            PlainKey::BlocksOf(by, after, limit) => {
                let theirs = pairs.filter(|(one, who)| one == by && Some(who) > after.as_ref());
                theirs.take(*limit).map(of).collect()
            }
            PlainKey::InvitesOf(id) => {
                let links = self.invites.iter().filter(|(_, row)| row.thread_id == *id);
                links.rev().map(|(id, _)| PlainKey::Invite(*id)).collect()
            }
            PlainKey::Expired(before, limit) => {
                let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end < *before);
                let links = self
                    .invites
                    .iter()
                    .filter(|(_, row)| is_over(row.expires_at));
                links
                    .map(|(id, _)| PlainKey::Invite(*id))
                    .take(*limit)
                    .collect()
            }
            PlainKey::BlockersOf(who) => pairs.filter(|(_, one)| one == who).map(of).collect(),
            other => unreachable!("{other:?} is no list"),
        }
    }

    fn standing(
        &self,
        id: ThreadId,
        after: Option<&(Rev, UserId)>,
        limit: usize,
        rows: &mut Rows,
    ) -> List {
        let people = self.seats(id, rows, ParticipantRow::is_active);
        let joined = |who: UserId| (self.participants[&(id, who.clone())].joined_rev, who);
        let mut people: Vec<_> = people.into_iter().map(joined).collect();
        people.sort();
        let page = people
            .into_iter()
            .filter(|at| after.is_none_or(|after| at > after));
        List::People(page.map(|(_, who)| who).take(limit).collect())
    }

    fn entries(&self, id: ThreadId, after: Rev, limit: usize, rows: &mut Rows) -> List {
        let page = self.entries.range((id, after + 1)..=(id, u64::MAX));
        let page: Vec<EntryRow> = page.map(|(_, entry)| entry.clone()).take(limit).collect();
        for entry in &page {
            if let Some(seq) = entry.seq.or_else(|| entry.fact.message_seq()) {
                self.load_message((id, seq), rows);
            }
        }
        List::Entries(page)
    }

    fn threads_of(&self, who: &UserId, after: Option<(Timestamp, ThreadId)>, limit: usize) -> List {
        let is_listed = |id: &ThreadId| {
            let seat = self.participants.get(&(*id, who.clone()));
            let last_seq = self.heads[id].last_seq;
            seat.is_some_and(|row| {
                row.is_active() && row.hidden_seq.is_none_or(|hidden| hidden < last_seq)
            })
        };
        let listed = self.threads.keys().filter(|id| is_listed(id));
        let mut listed: Vec<_> = listed.map(|id| (self.heads[id].updated_at, *id)).collect();
        listed.sort();
        let page = listed.into_iter().rev();
        let page = page.filter(|at| after.is_none_or(|after| *at < after));
        List::Threads(page.take(limit).collect())
    }

    fn seats(
        &self,
        id: ThreadId,
        rows: &mut Rows,
        is_wanted: impl Fn(&ParticipantRow) -> bool,
    ) -> Vec<UserId> {
        let mut people = Vec::new();
        for ((_, who), _) in self.of_thread(id).filter(|(_, row)| is_wanted(row)) {
            self.load_seat(&(id, who.clone()), rows);
            self.load_user(who, rows);
            people.push(who.clone());
        }
        people
    }

    /// Everybody who is or was in a thread.
    pub(crate) fn of_thread(&self, id: ThreadId) -> impl Iterator<Item = (&Seat, &ParticipantRow)> {
        self.participants
            .iter()
            .filter(move |((of, _), _)| *of == id)
    }

    fn load_seat(&self, seat: &Seat, rows: &mut Rows) {
        let (seat, row) = get(&self.participants, seat);
        rows.positions
            .load(seat.clone(), self.positions.get(&seat).copied());
        rows.participants.load(seat, row);
    }

    fn load_user(&self, who: &UserId, rows: &mut Rows) {
        let (who, row) = get(&self.users, who);
        rows.users.load(who, row);
    }

    fn load_message(&self, place: Place, rows: &mut Rows) {
        let row = self.messages.get(&place).cloned();
        if let Some(row) = &row {
            rows.message_seqs.load((place.0, row.id), Some(row.seq));
        }
        rows.messages.load(place, row);
    }
}
