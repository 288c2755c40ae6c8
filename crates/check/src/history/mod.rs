//! Files of events: a compact binary form for volume and JSON lines for people.

mod binary;
mod lines;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter},
    path::Path,
};

pub use binary::{BinaryReader, BinaryWriter};
pub use lines::{LinesReader, LinesWriter};
use serde::{Deserialize, Serialize};

use crate::Event;

/// Version of the format. A reader refuses others.
pub const FORMAT_VERSION: u32 = 1;

const BUFFER_BYTES: usize = 1 << 20;

/// What a run was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Seed of all its random choices.
    pub seed: u64,
    /// Commit of the program under test.
    pub commit: String,
    /// How to run it again.
    pub command: String,
    /// Settings, versions and the schedule of faults, as text.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Why a history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file or the disk.
    #[error("read or write the history")]
    Io(#[from] io::Error),
    /// Neither form.
    #[error("no history: it begins with neither the binary mark nor a header line")]
    NoHistory,
    /// A later or broken form.
    #[error("history format {0} is not known; this program reads {FORMAT_VERSION}")]
    Version(u32),
    /// Expectations that are not known.
    #[error("read what is expected of the run: {0}")]
    Expect(String),
    /// A header that says nothing sensible.
    #[error("read the header")]
    Header(#[source] serde_json::Error),
    /// A line that is no event.
    #[error("read line {line}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A record that is no event.
    #[error("event {0} has an unknown kind or action")]
    UnknownEvent(u64),
    /// The recorder did not finish.
    #[error("the history is cut off after {0} events")]
    CutOff(u64),
    /// The end does not fit what came before.
    #[error("the history says that it has {said} events, and has {found}")]
    Count {
        /// In the end record.
        said: u64,
        /// Read.
        found: u64,
    },
}

/// Reads a history of either form, event by event.
#[derive(Debug)]
pub enum Reader<R> {
    /// Binary.
    Binary(BinaryReader<R>),
    /// JSON lines.
    Lines(LinesReader<R>),
}

impl Reader<BufReader<File>> {
    /// Opens a file of either form.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::new(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header of either form.
    pub fn new(mut input: R) -> Result<Self, HistoryError> {
        match input.fill_buf()?.first() {
            Some(b'{') => Ok(Self::Lines(LinesReader::new(input)?)),
            Some(_) => Ok(Self::Binary(BinaryReader::new(input)?)),
            None => Err(HistoryError::NoHistory),
        }
    }

    /// What the run was.
    pub fn header(&self) -> &Header {
        match self {
            Self::Binary(reader) => reader.header(),
            Self::Lines(reader) => reader.header(),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Binary(reader) => reader.next(),
            Self::Lines(reader) => reader.next(),
        }
    }
}

/// Makes a file of the binary form.
pub fn create(path: &Path, header: &Header) -> Result<BinaryWriter<BufWriter<File>>, HistoryError> {
    let output = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    BinaryWriter::new(output, header)
}

/// Makes a file of the form for people.
pub fn create_lines(
    path: &Path,
    header: &Header,
) -> Result<LinesWriter<BufWriter<File>>, HistoryError> {
    let output = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    LinesWriter::new(output, header)
}

/// Merges the recordings of several writers, each in order of time, into one in order of time. Events of one moment
/// keep the order of the sources.
pub fn merge<I>(
    sources: Vec<I>,
    mut take: impl FnMut(Event) -> Result<(), HistoryError>,
) -> Result<(), HistoryError>
where
    I: Iterator<Item = Result<Event, HistoryError>>,
{
    use std::{cmp::Reverse, collections::BinaryHeap};

    let mut sources = sources;
    let mut heads = Vec::with_capacity(sources.len());
    let mut waiting = BinaryHeap::new();
    for (index, source) in sources.iter_mut().enumerate() {
        let head = source.next().transpose()?;
        waiting.extend(head.map(|event| Reverse((event.time, index))));
        heads.push(head);
    }
    while let Some(Reverse((_, index))) = waiting.pop() {
        let next = sources[index].next().transpose()?;
        waiting.extend(next.map(|event| Reverse((event.time, index))));
        if let Some(event) = std::mem::replace(&mut heads[index], next) {
            take(event)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
