//! One thread: its log, its people, and how far they are.

use std::collections::{BTreeSet, HashMap};

use semel_core::{chain::Chain, participants_key::ParticipantsKey};
use semel_protocol::{
    Rev, Seq, Timestamp, UserId, limits::KEYED_PARTICIPANTS_MAX, message::MessageKind,
    thread::ThreadType,
};
use uuid::Uuid;

use super::{Finding, Findings, RESTORE};
use crate::{
    Error,
    codec::{Named, decode_periods},
    columns::Columns,
    line::Line,
};

/// Threads, for [`ThreadCheck::begin`]; a condition follows.
pub(crate) const THREADS: &str =
    "SELECT id, thread_type, participants_key, is_separate, participant_count, epoch FROM threads";
/// People of threads, for [`ThreadCheck::person`]; a condition follows.
pub(crate) const PEOPLE: &str = "SELECT thread_id, user_id, periods, is_active FROM participants";
/// Positions in threads, for [`ThreadCheck::position`]; a condition follows.
pub(crate) const POSITIONS: &str =
    "SELECT thread_id, user_id, read_seq, read_count, delivered_seq FROM positions";

/// The check of one thread: first its people and positions, then its lines in order, then [`ThreadCheck::finish`].
pub(crate) struct ThreadCheck {
    id: Uuid,
    facts: Facts,
    people: BTreeSet<UserId>,
    positions: Vec<Position>,
    /// Positions whose count is known from the line of their message.
    counted: HashMap<Seq, u64>,
    end: Option<End>,
    /// The first thing that is wrong with the log; what comes after says no more.
    wrong: Option<String>,
    findings: Vec<(&'static str, String)>,
}

/// What the row of a thread says.
struct Facts {
    thread_type: ThreadType,
    key: Option<ParticipantsKey>,
    is_separate: bool,
    count: u64,
    epoch: u64,
}

struct Position {
    who: String,
    read_seq: Seq,
    read_count: u64,
    delivered_seq: Seq,
}

/// Where a log is, up to a line.
struct End {
    rev: Rev,
    chain: Chain,
    last_seq: Seq,
    message_count: u64,
    epoch: u64,
    created_at: Timestamp,
}

impl ThreadCheck {
    /// Reads a row of [`THREADS`].
    pub(crate) fn begin(row: &impl Columns) -> Result<Self, Error> {
        let key = row.bytes_or_none(2)?.map(<[u8; 32]>::try_from).transpose();
        let wrong = || Error::Corrupt("a participants key has another length".to_owned());
        Ok(Self {
            id: row.uuid(0)?,
            facts: Facts {
                thread_type: ThreadType::named(row.text(1)?)?,
                key: key.map_err(|_| wrong())?.map(ParticipantsKey),
                is_separate: row.flag(3)?,
                count: row.number(4)?,
                epoch: row.number(5)?,
            },
            people: BTreeSet::new(),
            positions: Vec::new(),
            counted: HashMap::new(),
            end: None,
            wrong: None,
            findings: Vec::new(),
        })
    }

    /// Which thread it is.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Takes a row of [`PEOPLE`].
    pub(crate) fn person(&mut self, row: &impl Columns) {
        match read_person(row) {
            Ok((who, is_in, is_active)) => {
                if is_in != is_active {
                    let text = format!("{who} is marked as in and is out, or the other way round");
                    self.findings.push(("participants", text));
                }
                if is_in {
                    self.people.insert(who);
                }
            }
            Err(error) => self.findings.push(("participants", error.chain())),
        }
    }

    /// Takes a row of [`POSITIONS`].
    pub(crate) fn position(&mut self, row: &impl Columns) {
        match read_position(row) {
            Ok(position) => {
                self.counted.insert(position.read_seq, 0);
                self.positions.push(position);
            }
            Err(error) => self.findings.push(("positions", error.chain())),
        }
    }

    /// Takes the next line of the log, or why it cannot be read.
    pub(crate) fn line(&mut self, line: Result<Line, Error>) -> Result<(), Error> {
        let line = match line {
            Ok(line) => line,
            Err(Error::Corrupt(what)) => {
                self.wrong.get_or_insert(what);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if self.wrong.is_none() {
            let wrong = wrong_step(self.end.as_ref(), self.facts.epoch, &line);
            self.wrong = wrong.map(|what| format!("entry {}: {what}", line.entry.rev));
        }
        if let Some(count) = line.entry.seq.and_then(|seq| self.counted.get_mut(&seq)) {
            *count = line.message_count;
        }
        self.end = Some(End {
            rev: line.entry.rev,
            chain: line.entry.chain,
            last_seq: line.last_seq,
            message_count: line.message_count,
            epoch: line.entry.epoch,
            created_at: line.entry.created_at,
        });
        Ok(())
    }

    /// All of it was taken: tells what is wrong.
    pub(crate) fn finish(mut self, findings: &mut Findings) {
        self.judge_people();
        match self.wrong.take() {
            Some(detail) => findings.add(Finding {
                check: "log",
                subject: format!("thread {}", self.id),
                detail,
                advice: RESTORE,
            }),
            // Of a log with holes nobody knows how far people are.
            None => self.judge_positions(),
        }
        for (check, detail) in self.findings {
            findings.report(check, format!("thread {}", self.id), detail);
        }
    }

    /// The people of a thread: their number, and the key that follows from them.
    fn judge_people(&mut self) {
        let mut find = |check, text: &str| self.findings.push((check, text.to_owned()));
        let (facts, people) = (&self.facts, &self.people);
        if people.len() as u64 != facts.count {
            find("participants", "participants are counted wrongly");
        }
        let wants_key = !facts.is_separate && (1..=KEYED_PARTICIPANTS_MAX).contains(&people.len());
        match facts.key {
            Some(key) if key != ParticipantsKey::of(facts.thread_type, people) => {
                find("participants keys", "the key is not that of its people");
            }
            None if wants_key => find("participants keys", "it has none and should own one"),
            _ => {}
        }
    }

    fn judge_positions(&mut self) {
        let last_seq = self.end.as_ref().map_or(0, |end| end.last_seq);
        for position in &self.positions {
            let who = &position.who;
            let text = if position.read_seq.max(position.delivered_seq) > last_seq {
                format!("{who} has read or got more than there is")
            } else if position.read_seq > position.delivered_seq {
                format!("{who} has read what did not get there")
            } else if self.counted.get(&position.read_seq) != Some(&position.read_count) {
                format!("what {who} has read is counted wrongly")
            } else {
                continue;
            };
            self.findings.push(("positions", text));
        }
    }
}

fn read_person(row: &impl Columns) -> Result<(UserId, bool, bool), Error> {
    let periods = decode_periods(row.text(2)?)?;
    let is_in = periods
        .last()
        .is_some_and(|period| period.until_rev.is_none());
    Ok((row.user(1)?, is_in, row.flag(3)?))
}

fn read_position(row: &impl Columns) -> Result<Position, Error> {
    Ok(Position {
        who: row.text(1)?.to_owned(),
        read_seq: row.number(2)?,
        read_count: row.number(3)?,
        delivered_seq: row.number(4)?,
    })
}

/// A log is dense, in order, its counters right, its chain whole.
fn wrong_step(before: Option<&End>, epoch: u64, line: &Line) -> Option<&'static str> {
    let (rev, chain, last_seq, count) = before.map_or((0, Chain::default(), 0, 0), |before| {
        (
            before.rev,
            before.chain,
            before.last_seq,
            before.message_count,
        )
    });
    let is_counted = line
        .message
        .as_ref()
        .is_some_and(|message| message.kind != MessageKind::System);
    let brings = u64::from(line.message.is_some());
    let entry = &line.entry;
    let cases = [
        (entry.rev != rev + 1, "it does not follow the entry before"),
        (
            line.last_seq != last_seq + brings,
            "messages are not numbered one after another",
        ),
        (
            entry.seq.is_some_and(|seq| seq != line.last_seq),
            "its message has another number than the log says",
        ),
        (
            line.message_count != count + u64::from(is_counted),
            "messages are counted wrongly",
        ),
        (
            entry.chain != chain.next(entry.rev, &entry.content_hash),
            "its chain does not follow from the log before",
        ),
        (
            before.is_some_and(|before| before.created_at > entry.created_at),
            "it is older than the entry before",
        ),
        (
            entry.epoch > epoch || before.is_some_and(|before| before.epoch > entry.epoch),
            "it is of a later epoch than what comes after it",
        ),
    ];
    cases
        .into_iter()
        .find_map(|(is_wrong, what)| is_wrong.then_some(what))
}
