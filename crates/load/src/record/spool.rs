//! Where events go: into one of a few buffers each, from there to disk, in the background.
//!
//! Invariant: a buffer and its file are in order of time, because the time is read while the buffer is held.
//! Invariant: memory is bounded. When the disk is slower than the events, whoever records waits.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use semel_check::{EVENT_BYTES, Event, history::HistoryError};

/// Buffers; each thread uses one of them.
const SHARDS: usize = 16;
/// Events of a buffer that is handed to the disk.
const CHUNK_EVENTS: usize = 4_096;
/// Full buffers that may wait for the disk: 64 MiB.
const CHUNKS_WAITING_MAX: usize = 256;
const READ_BYTES: usize = 256 << 10;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS);
}

#[derive(Debug)]
pub(super) struct Spool {
    begin: Instant,
    shards: Vec<Mutex<Shard>>,
    parcels: SyncSender<Parcel>,
    writer: Mutex<Option<JoinHandle<io::Result<Vec<File>>>>>,
}

#[derive(Debug, Default)]
struct Shard {
    events: Vec<Event>,
    is_closed: bool,
}

#[derive(Debug)]
enum Parcel {
    Chunk(usize, Vec<Event>),
    End,
}

impl Spool {
    /// With nameless files in a folder: they are gone when the spool is.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let files: Vec<File> = (0..SHARDS)
            .map(|_| tempfile::tempfile_in(folder))
            .collect::<Result<_, _>>()?;
        let (parcels, waiting) = sync_channel(CHUNKS_WAITING_MAX);
        let writer = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write(files, &waiting))?;
        Ok(Self {
            begin: Instant::now(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            parcels,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Nanoseconds since the recording began.
    pub(super) fn now(&self) -> u64 {
        self.begin.elapsed().as_nanos() as u64
    }

    /// Adds events, with the time of now. They stay together.
    pub(super) fn push(&self, events: impl IntoIterator<Item = Event>) {
        let index = SHARD.with(Cell::get);
        let mut shard = self.shard(index);
        if shard.is_closed {
            return;
        }
        let time = self.now();
        shard
            .events
            .extend(events.into_iter().map(|event| Event { time, ..event }));
        if shard.events.len() >= CHUNK_EVENTS {
            let full = std::mem::replace(
                &mut shard.events,
                Vec::with_capacity(CHUNK_EVENTS + CHUNK_EVENTS / 8),
            );
            // Still holding the buffer, so that its chunks arrive in order. The writer lives until the last parcel.
            let _ = self.parcels.send(Parcel::Chunk(index, full));
        }
    }

    /// Ends the recording: what is pushed later is dropped. Returns what was written, one source for each buffer; none
    /// the second time.
    pub(super) fn close(&self) -> io::Result<Option<Vec<Source>>> {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(writer) = writer else {
            return Ok(None);
        };
        for index in 0..SHARDS {
            let mut shard = self.shard(index);
            shard.is_closed = true;
            let rest = std::mem::take(&mut shard.events);
            // The writer takes parcels until the last one.
            let _ = self.parcels.send(Parcel::Chunk(index, rest));
        }
        let _ = self.parcels.send(Parcel::End);
        let files = writer
            .join()
            .map_err(|_| io::Error::other("the recorder's thread panicked"))??;
        files
            .into_iter()
            .map(Source::new)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn shard(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // The thread has to end; nobody wants the recording.
        let _ = self.close();
    }
}

/// Goes on taking after an error, so that nobody waits for ever; the error is told at the end.
fn write(mut files: Vec<File>, parcels: &Receiver<Parcel>) -> io::Result<Vec<File>> {
    let mut result = Ok(());
    let mut bytes = Vec::with_capacity(CHUNK_EVENTS * EVENT_BYTES);
    while let Ok(Parcel::Chunk(index, events)) = parcels.recv() {
        if result.is_ok() {
            bytes.clear();
            for event in events {
                bytes.extend_from_slice(&event.encode());
            }
            result = files[index].write_all(&bytes);
        }
    }
    result.map(|()| files)
}

/// What one buffer wrote, in order of time.
#[derive(Debug)]
pub(super) struct Source {
    input: BufReader<File>,
    left: u64,
}

impl Source {
    fn new(mut file: File) -> io::Result<Self> {
        let left = file.seek(SeekFrom::End(0))? / EVENT_BYTES as u64;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            input: BufReader::with_capacity(READ_BYTES, file),
            left,
        })
    }

    fn read(&mut self) -> Result<Event, HistoryError> {
        let mut bytes = [0; EVENT_BYTES];
        self.input.read_exact(&mut bytes)?;
        Event::decode(&bytes).ok_or(HistoryError::UnknownEvent(self.left))
    }
}

impl Iterator for Source {
    type Item = Result<Event, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read())
    }
}
