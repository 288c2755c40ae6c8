//! The binary form: a mark, a header, events of 64 bytes, an end record with their number.

use std::io::{self, BufRead, Read, Write};

use super::{FORMAT_VERSION, Header, HistoryError};
use crate::{EVENT_BYTES, Event};

const MARK: [u8; 8] = *b"SEMELHST";
const END: u8 = 255;
const KIND_AT: usize = 8;
const HEADER_BYTES_MAX: u64 = 16 << 20;

/// Writes the binary form.
#[derive(Debug)]
pub struct BinaryWriter<W> {
    output: W,
    count: u64,
}

impl<W: Write> BinaryWriter<W> {
    /// Writes the header.
    pub fn new(mut output: W, header: &Header) -> Result<Self, HistoryError> {
        let header = serde_json::to_vec(header).map_err(HistoryError::Header)?;
        output.write_all(&MARK)?;
        output.write_all(&FORMAT_VERSION.to_le_bytes())?;
        output.write_all(&(header.len() as u32).to_le_bytes())?;
        output.write_all(&header)?;
        Ok(Self { output, count: 0 })
    }

    /// Writes an event.
    pub fn write(&mut self, event: &Event) -> Result<(), HistoryError> {
        self.count += 1;
        Ok(self.output.write_all(&event.encode())?)
    }

    /// Writes the end record. Without it the history counts as cut off.
    pub fn finish(mut self) -> Result<W, HistoryError> {
        let mut record = [0; EVENT_BYTES];
        record[..KIND_AT].copy_from_slice(&self.count.to_le_bytes());
        record[KIND_AT] = END;
        self.output.write_all(&record)?;
        self.output.flush()?;
        Ok(self.output)
    }
}

/// Reads the binary form.
#[derive(Debug)]
pub struct BinaryReader<R> {
    input: R,
    header: Header,
    count: u64,
    ended: bool,
}

impl<R: BufRead> BinaryReader<R> {
    /// Reads the header.
    pub fn new(mut input: R) -> Result<Self, HistoryError> {
        let mut start = [0; 16];
        input
            .read_exact(&mut start)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => HistoryError::NoHistory,
                _ => HistoryError::Io(error),
            })?;
        if start[..8] != MARK {
            return Err(HistoryError::NoHistory);
        }
        let version = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
        if version != FORMAT_VERSION {
            return Err(HistoryError::Version(version));
        }
        let length = u32::from_le_bytes([start[12], start[13], start[14], start[15]]);
        let mut bytes = Vec::new();
        let length = u64::from(length).min(HEADER_BYTES_MAX);
        input.by_ref().take(length).read_to_end(&mut bytes)?;
        let header = serde_json::from_slice(&bytes).map_err(HistoryError::Header)?;
        Ok(Self {
            input,
            header,
            count: 0,
            ended: false,
        })
    }

    /// What the run was.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn read(&mut self) -> Result<Option<Event>, HistoryError> {
        let mut record = [0; EVENT_BYTES];
        self.input
            .read_exact(&mut record)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => HistoryError::CutOff(self.count),
                _ => HistoryError::Io(error),
            })?;
        if record[KIND_AT] == END {
            let said = u64::from_le_bytes(std::array::from_fn(|index| record[index]));
            let found = self.count;
            return if said == found {
                Ok(None)
            } else {
                Err(HistoryError::Count { said, found })
            };
        }
        self.count += 1;
        let event = Event::decode(&record).ok_or(HistoryError::UnknownEvent(self.count))?;
        Ok(Some(event))
    }
}

impl<R: BufRead> Iterator for BinaryReader<R> {
    type Item = Result<Event, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
