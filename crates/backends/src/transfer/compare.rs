//! Compares two databases, row by row, each read by itself.

use std::{cmp::Ordering, collections::VecDeque, fmt};

use sha2::{Digest, Sha256};

use super::{
    side::{AnySide, Plan, Reading},
    value::{Row, hex},
};
use crate::{Error, Progress, Tell};

/// Differences of one table that are told; more of the same say no more.
const DIFFERENCES_PER_TABLE_MAX: usize = 20;

/// What one end has of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Rows.
    pub rows: u64,
    /// SHA-256 of all of them in the order of their keys, in hexadecimal.
    pub hash: String,
}

/// A table at both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub table: &'static str,
    /// Where it comes from.
    pub source: Content,
    /// Where it goes to.
    pub target: Content,
    /// What is different, row by row.
    pub differences: Vec<String>,
    /// Further differences, which are only counted.
    pub more: u64,
}

impl Compared {
    /// Whether both ends have the same.
    pub fn is_same(&self) -> bool {
        self.source == self.target && self.differences.is_empty()
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |content: &Content| format!("{} rows, {}", content.rows, &content.hash[..16]);
        write!(
            f,
            "{}: {} at the source; {} at the target",
            self.table,
            short(&self.source),
            short(&self.target)
        )?;
        for difference in &self.differences {
            write!(f, "\n  {difference}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

/// The rows of one end, in order.
struct Stream {
    reading: Reading,
    waiting: VecDeque<Row>,
    /// The table of which there are no more rows.
    ended: Option<usize>,
    rows: u64,
    hash: Sha256,
}

impl Stream {
    fn new(side: AnySide, plans: &[Plan]) -> Self {
        Self {
            reading: Reading::start(side, plans.to_vec(), 0, None),
            waiting: VecDeque::new(),
            ended: None,
            rows: 0,
            hash: Sha256::new(),
        }
    }

    /// The next row of a table is at the front, if there is one.
    async fn look(&mut self, table: usize) -> Result<(), Error> {
        while self.waiting.is_empty() && self.ended != Some(table) {
            match self.reading.next().await {
                Some(page) if page.rows.is_empty() => self.ended = Some(page.at),
                Some(page) => self.waiting = page.rows.into(),
                // Why it ended early, its task says.
                None => return Err(Error::Lost("what was being read")),
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Row> {
        let row = self.waiting.pop_front()?;
        self.rows += 1;
        for value in &row {
            value.hash_into(&mut self.hash);
        }
        Some(row)
    }

    /// What there was of the table that has ended.
    fn content(&mut self) -> Content {
        let hash = self.hash.finalize_reset();
        Content {
            rows: std::mem::take(&mut self.rows),
            hash: hex(&hash),
        }
    }
}

/// Compares everything. Gives both ends back.
pub(crate) async fn compare(
    (source, target): (AnySide, AnySide),
    plans: &[Plan],
    total: u64,
    tell: Tell<'_>,
) -> Result<(AnySide, AnySide, Vec<Compared>), Error> {
    let (mut source, mut target) = (Stream::new(source, plans), Stream::new(target, plans));
    let compared = tables(&mut source, &mut target, plans, total, tell).await;
    // What made reading fail says more than that it failed.
    let (source, target) = (source.reading.end().await, target.reading.end().await);
    let (source, target) = (source?, target?);
    Ok((source, target, compared?))
}

async fn tables(
    source: &mut Stream,
    target: &mut Stream,
    plans: &[Plan],
    total: u64,
    tell: Tell<'_>,
) -> Result<Vec<Compared>, Error> {
    let (mut done, mut list) = (0, Vec::new());
    for (at, plan) in plans.iter().enumerate() {
        let mut found = Differences::default();
        loop {
            source.look(at).await?;
            target.look(at).await?;
            if source.rows.is_multiple_of(1_000) {
                tell(Progress {
                    what: "comparing",
                    done: done + source.rows,
                    total,
                });
            }
            if !step(plan, source, target, &mut found) {
                break;
            }
        }
        let (source, target) = (source.content(), target.content());
        done += source.rows;
        list.push(Compared {
            table: plan.table.name,
            source,
            target,
            differences: found.told,
            more: found.more,
        });
    }
    Ok(list)
}

/// Takes the next row of one end or both; false at the end of the table.
fn step(plan: &Plan, source: &mut Stream, target: &mut Stream, found: &mut Differences) -> bool {
    let order = match (source.waiting.front(), target.waiting.front()) {
        (None, None) => return false,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(one), Some(other)) => plan.order_of(one, other),
    };
    let one = (order != Ordering::Greater)
        .then(|| source.take())
        .flatten();
    let other = (order != Ordering::Less).then(|| target.take()).flatten();
    match (one, other) {
        (Some(row), None) => found.add(plan, &row, "is missing at the target"),
        (None, Some(row)) => found.add(plan, &row, "is at the target only"),
        (Some(one), Some(other)) if one != other => {
            let names = plan.columns.iter().zip(one.iter().zip(&other));
            let names: Vec<&str> = names
                .filter(|(_, (one, other))| one != other)
                .map(|(name, _)| name.as_str())
                .collect();
            found.add(plan, &one, &format!("differs in {}", names.join(", ")));
        }
        _ => {}
    }
    true
}

#[derive(Default)]
struct Differences {
    told: Vec<String>,
    more: u64,
}

impl Differences {
    fn add(&mut self, plan: &Plan, row: &Row, what: &str) {
        if self.told.len() >= DIFFERENCES_PER_TABLE_MAX {
            self.more += 1;
            return;
        }
        let key = plan.key_of(row);
        let key = plan.table.key.iter().zip(&key);
        let key: Vec<String> = key
            .map(|(name, value)| format!("{name} {}", value.shown()))
            .collect();
        self.told.push(format!("{} {what}", key.join(", ")));
    }
}
