//! One end of a transfer, whichever engine it is, and reading all of it in order.

use std::cmp::Ordering;

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};

use super::{
    marker::Filling,
    tables::{TABLES, Table},
    value::Row,
};
use crate::Error;

/// Rows that are read, and written in one transaction, at once.
pub(crate) const PAGE_ROWS: usize = 1_000;
/// Bytes after which a page ends early. One row may be longer.
pub(crate) const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Pages that wait for whoever takes them.
const PAGES_WAITING: usize = 2;

/// What a database is born with, and keeps.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) incarnation: String,
    pub(crate) content_key: Vec<u8>,
}

/// A table with its columns: the same ones, in the same order, at both ends.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) table: &'static Table,
    pub(crate) columns: Vec<String>,
    /// Places of the key's columns.
    key: Vec<usize>,
}

impl Plan {
    pub(crate) fn new(table: &'static Table, columns: Vec<String>) -> Result<Self, Error> {
        let place = |name: &&str| columns.iter().position(|column| column == name);
        let key: Option<Vec<usize>> = table.key.iter().map(place).collect();
        let missing = || Error::Corrupt(format!("table {} has no key", table.name));
        let key = key.ok_or_else(missing)?;
        Ok(Self {
            table,
            columns,
            key,
        })
    }

    /// The key of a row.
    pub(crate) fn key_of(&self, row: &Row) -> Row {
        self.key.iter().map(|at| row[*at].clone()).collect()
    }

    /// Which of two rows comes first.
    pub(crate) fn order_of(&self, one: &Row, other: &Row) -> Ordering {
        let key = self.key.iter();
        key.clone()
            .map(|at| &one[*at])
            .cmp(key.map(|at| &other[*at]))
    }
}

/// One end of a transfer. Nobody else writes it while it is held.
#[async_trait]
pub(crate) trait Side: Send {
    /// Its identity; none: it is empty.
    async fn identity(&mut self) -> Result<Option<Identity>, Error>;
    /// How far it is filled; none: it is not being filled.
    async fn filling(&mut self) -> Result<Option<Filling>, Error>;
    /// By which transfer it is, or was, moved, if no server has used it since.
    async fn leaving(&mut self) -> Result<Option<String>, Error>;
    /// Says by which transfer it is moved.
    async fn leave(&mut self, id: &str) -> Result<(), Error>;
    /// Sees to it that nothing is written until the end; what is read from now on is of one moment.
    async fn hold(&mut self) -> Result<(), Error>;
    /// The columns of a table that are moved, in some order.
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, Error>;
    /// Rows of a table.
    async fn count(&mut self, table: &Table) -> Result<u64, Error>;
    /// Rows after a key, in the order of keys; nothing after the last.
    async fn page(&mut self, plan: &Plan, after: Option<&Row>) -> Result<Vec<Row>, Error>;
    /// Begins to fill an empty database; refuses if it is not empty.
    async fn begin(&mut self, identity: &Identity, filling: &Filling) -> Result<(), Error>;
    /// Adds rows, and with them how far it is; refuses if it was not as far as it was said to be.
    async fn put(
        &mut self,
        plan: &Plan,
        rows: &[Row],
        before: &Filling,
        after: &Filling,
    ) -> Result<(), Error>;
    /// It is full and right: servers may open it.
    async fn finish(&mut self, filling: &Filling) -> Result<(), Error>;
}

/// An end of a transfer that can be given to a task.
pub(crate) type AnySide = Box<dyn Side>;

/// Plans for all tables, if both ends have the same columns.
pub(crate) async fn plans(one: &mut dyn Side, other: &mut dyn Side) -> Result<Vec<Plan>, Error> {
    let mut plans = Vec::new();
    for table in TABLES {
        let columns = one.columns(table).await?;
        let (mut here, mut there) = (columns.clone(), other.columns(table).await?);
        here.sort();
        there.sort();
        if here != there {
            return Err(Error::Corrupt(format!(
                "table {} has not the same columns at both ends",
                table.name
            )));
        }
        plans.push(Plan::new(table, columns)?);
    }
    Ok(plans)
}

/// Some rows of a table; none: that was all of it.
pub(crate) struct Page {
    /// Which of the plans.
    pub(crate) at: usize,
    pub(crate) rows: Vec<Row>,
}

/// Everything that a side has, page by page, read by a task of its own.
pub(crate) struct Reading {
    pages: mpsc::Receiver<Page>,
    task: JoinHandle<(AnySide, Result<(), Error>)>,
    _ends: EndsWithIt,
}

/// Nobody takes the pages any more: the side is let go.
struct EndsWithIt(AbortHandle);

impl Drop for EndsWithIt {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reading {
    /// Begins with the plan at `start`, after a key.
    pub(crate) fn start(
        mut side: AnySide,
        plans: Vec<Plan>,
        start: usize,
        after: Option<Row>,
    ) -> Self {
        let (sender, pages) = mpsc::channel(PAGES_WAITING);
        let task = tokio::spawn(async move {
            let read = read(&mut *side, &plans, start, after, sender).await;
            (side, read)
        });
        let ends = EndsWithIt(task.abort_handle());
        Self {
            pages,
            task,
            _ends: ends,
        }
    }

    /// The next page; none at the end, or when reading failed, which [`Reading::end`] tells.
    pub(crate) async fn next(&mut self) -> Option<Page> {
        self.pages.recv().await
    }

    /// Gives the side back, and tells why reading failed, if it did.
    pub(crate) async fn end(self) -> Result<AnySide, Error> {
        let Self { pages, task, _ends } = self;
        drop(pages);
        let gone = |_| Error::Corrupt("reading has panicked".to_owned());
        let (side, read) = task.await.map_err(gone)?;
        read.map(|()| side)
    }
}

async fn read(
    side: &mut dyn Side,
    plans: &[Plan],
    start: usize,
    mut after: Option<Row>,
    pages: mpsc::Sender<Page>,
) -> Result<(), Error> {
    for (at, plan) in plans.iter().enumerate().skip(start) {
        loop {
            let rows = side.page(plan, after.as_ref()).await?;
            after = rows.last().map(|row| plan.key_of(row));
            // Nobody waits any more: whoever took the pages knows why.
            if pages.send(Page { at, rows }).await.is_err() {
                return Ok(());
            }
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}
