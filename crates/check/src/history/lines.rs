//! JSON lines: the header, one event per line, an end line with their number. Fields that are 0 are left out;
//! fingerprints are 16 hexadecimal digits.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{FORMAT_VERSION, Header, HistoryError};
use crate::{Action, Event, Kind};

#[derive(Serialize, Deserialize)]
struct HeaderLine {
    semel_history: u32,
    #[serde(flatten)]
    header: Header,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    End { end: u64 },
    Event(EventLine),
}

macro_rules! event_line {
    ($($name:ident $type:ty,)*) => {
        #[derive(Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct EventLine {
            time: u64,
            kind: Kind,
            #[serde(default, skip_serializing_if = "is_default")]
            action: Action,
            $(#[serde(default, skip_serializing_if = "is_default")] $name: $type,)*
        }

        impl From<&Event> for EventLine {
            fn from(event: &Event) -> Self {
                Self {
                    time: event.time,
                    kind: event.kind,
                    action: event.action,
                    $($name: event.$name.into(),)*
                }
            }
        }

        impl From<EventLine> for Event {
            fn from(line: EventLine) -> Self {
                Self {
                    time: line.time,
                    kind: line.kind,
                    action: line.action,
                    $($name: line.$name.into(),)*
                }
            }
        }
    };
}

event_line! {
    code u8,
    node u8,
    session u32,
    call u32,
    user u32,
    thread u32,
    version u32,
    key Digits,
    hash Digits,
    seq u32,
    rev u32,
    id Digits,
}

/// A fingerprint as text.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Digits(u64);

impl From<u64> for Digits {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Digits> for u64 {
    fn from(digits: Digits) -> Self {
        digits.0
    }
}

impl From<Digits> for String {
    fn from(digits: Digits) -> Self {
        format!("{:016x}", digits.0)
    }
}

impl TryFrom<String> for Digits {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Writes JSON lines.
#[derive(Debug)]
pub struct LinesWriter<W> {
    output: W,
    count: u64,
}

impl<W: Write> LinesWriter<W> {
    /// Writes the header line.
    pub fn new(output: W, header: &Header) -> Result<Self, HistoryError> {
        let mut writer = Self { output, count: 0 };
        writer.line(&HeaderLine {
            semel_history: FORMAT_VERSION,
            header: header.clone(),
        })?;
        Ok(writer)
    }

    /// Writes an event.
    pub fn write(&mut self, event: &Event) -> Result<(), HistoryError> {
        self.count += 1;
        self.line(&Line::Event(event.into()))
    }

    /// Writes the end line. Without it the history counts as cut off.
    pub fn finish(mut self) -> Result<W, HistoryError> {
        let end = self.count;
        self.line(&Line::End { end })?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), HistoryError> {
        let mut bytes = serde_json::to_vec(line).map_err(|source| HistoryError::Line {
            line: self.count + 1,
            source,
        })?;
        bytes.push(b'\n');
        Ok(self.output.write_all(&bytes)?)
    }
}

/// Reads JSON lines.
#[derive(Debug)]
pub struct LinesReader<R> {
    input: R,
    header: Header,
    text: String,
    count: u64,
    ended: bool,
}

impl<R: BufRead> LinesReader<R> {
    /// Reads the header line.
    pub fn new(mut input: R) -> Result<Self, HistoryError> {
        let mut text = String::new();
        input.read_line(&mut text)?;
        let line: HeaderLine = serde_json::from_str(&text).map_err(HistoryError::Header)?;
        if line.semel_history != FORMAT_VERSION {
            return Err(HistoryError::Version(line.semel_history));
        }
        Ok(Self {
            input,
            header: line.header,
            text,
            count: 0,
            ended: false,
        })
    }

    /// What the run was.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn read(&mut self) -> Result<Option<Event>, HistoryError> {
        self.text.clear();
        if self.input.read_line(&mut self.text)? == 0 {
            return Err(HistoryError::CutOff(self.count));
        }
        let line = self.count + 2;
        match serde_json::from_str(&self.text)
            .map_err(|source| HistoryError::Line { line, source })?
        {
            Line::End { end } if end == self.count => Ok(None),
            Line::End { end } => Err(HistoryError::Count {
                said: end,
                found: self.count,
            }),
            Line::Event(event) => {
                self.count += 1;
                Ok(Some(event.into()))
            }
        }
    }
}

impl<R: BufRead> Iterator for LinesReader<R> {
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
