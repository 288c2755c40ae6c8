//! One connected device.

use std::{
    fmt,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use semel_protocol::{
    Code, DeviceId, SessionId, ThreadId, Timestamp, UserId,
    limits::{DEVICE_ACTIONS_IN_FLIGHT_MAX, OPEN_THREADS_PER_DEVICE_MAX},
    socket::{Closing, from_server},
};
use tokio::time::Instant;

use crate::{
    bus::DeviceNumber,
    realtime::packet::{self, Frame},
    telemetry::metrics::DEVICES_CUT,
};

/// Ephemeral notices (typing, presence) of one device per second, and how many at once.
const NOTICES_PER_SECOND: f64 = 5.0;
const NOTICES_AT_ONCE: f64 = 10.0;

/// `delivered` of one device per second, and how many at once: a device that comes back tells it of many threads.
const DELIVERED_PER_SECOND: f64 = 50.0;
const DELIVERED_AT_ONCE: f64 = 500.0;
/// Positions of one device that wait for their answer. They are written together from time to time, so they do not count
/// among its other actions.
const READS_IN_FLIGHT_MAX: usize = 256;

/// The way to a device. What cannot be taken at once is refused: nobody waits for a device.
pub trait Outlet: Send + Sync {
    /// Takes a packet, or refuses because too much waits.
    fn push(&self, frame: Frame) -> Result<(), Full>;

    /// Sends what waits, then closes the transport: official clients come back by themselves.
    fn close(&self);

    /// Closes the transport now and drops what waits.
    fn cut(&self);
}

/// Too much waits for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// A connected device.
pub struct Device {
    /// Whose.
    pub user_id: UserId,
    /// Its number on the bus, if there are other servers.
    pub(super) number: OnceLock<DeviceNumber>,
    /// Its name for itself.
    pub device_id: Option<DeviceId>,
    /// When its token ends.
    pub expires_at: Timestamp,
    /// The sign-in to which its token belongs, where tokens have one.
    pub session_id: Option<SessionId>,
    /// Threads on its screen.
    open: Mutex<Vec<ThreadId>>,
    /// Whose presence it wants to know.
    pub(super) watching: Mutex<Vec<UserId>>,
    actions_in_flight: AtomicUsize,
    reads_in_flight: AtomicUsize,
    notices: Allowance,
    delivered: Allowance,
    is_cut: AtomicBool,
    /// Set when it disconnected, so that nothing remembers it afterwards.
    pub(super) is_gone: AtomicBool,
    outlet: Box<dyn Outlet>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({}, {:?})", self.user_id, self.device_id)
    }
}

/// How often a device may do something.
struct Allowance {
    left: Mutex<(f64, Instant)>,
    per_second: f64,
    at_once: f64,
}

impl Allowance {
    fn new(per_second: f64, at_once: f64) -> Self {
        Self {
            left: Mutex::new((at_once, Instant::now())),
            per_second,
            at_once,
        }
    }

    /// Whether it may once more now.
    fn take(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (allowance, since) = *left;
        let gained = since.elapsed().as_secs_f64() * self.per_second;
        let allowance = (allowance + gained).min(self.at_once);
        let may = allowance >= 1.0;
        *left = (allowance - f64::from(u8::from(may)), Instant::now());
        may
    }
}

/// What waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// An action or a question.
    Action,
    /// A position that was read.
    Read,
}

/// A place among what of a device waits for its answer.
#[derive(Debug)]
pub struct InFlight(std::sync::Arc<Device>, Waits);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight(self.1).0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Device {
    /// A device that is not registered yet.
    pub fn new(
        user_id: UserId,
        device_id: Option<DeviceId>,
        expires_at: Timestamp,
        outlet: Box<dyn Outlet>,
    ) -> Self {
        Self {
            user_id,
            number: OnceLock::new(),
            device_id,
            expires_at,
            session_id: None,
            open: Mutex::default(),
            watching: Mutex::default(),
            actions_in_flight: AtomicUsize::new(0),
            reads_in_flight: AtomicUsize::new(0),
            notices: Allowance::new(NOTICES_PER_SECOND, NOTICES_AT_ONCE),
            delivered: Allowance::new(DELIVERED_PER_SECOND, DELIVERED_AT_ONCE),
            is_cut: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            outlet,
        }
    }

    /// The same device, whose token belongs to a sign-in.
    #[must_use]
    pub fn of_session(self, session_id: Option<SessionId>) -> Self {
        Self { session_id, ..self }
    }

    /// Sends a packet. A device that cannot keep up is cut off: it comes back and syncs. Whether it was sent.
    pub fn push(&self, frame: Frame) -> bool {
        if self.is_cut.load(Ordering::Relaxed) {
            return false;
        }
        if self.outlet.push(frame).is_ok() {
            return true;
        }
        if !self.is_cut.swap(true, Ordering::Relaxed) {
            metrics::counter!(DEVICES_CUT).increment(1);
            tracing::info!(user_id = %self.user_id, "cut off a device that does not keep up");
            self.outlet.cut();
        }
        false
    }

    /// Says why, then closes the transport: the device comes back.
    pub fn send_away(&self, code: Code, retry_after_ms: u64) {
        self.push(closing(code, Some(retry_after_ms)));
        self.outlet.close();
    }

    /// Says why, and when to come back. The connection stays.
    pub(super) fn say_goodbye(&self, code: Code, retry_after_ms: u64) {
        self.push(closing(code, Some(retry_after_ms)));
    }

    /// Sends what waits, then closes the transport.
    pub(super) fn hang_up(&self) {
        self.outlet.close();
    }

    /// Closes the transport and drops what waits: it comes back and syncs.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        self.outlet.cut();
    }

    /// Whether something that it asked is not answered yet.
    pub(super) fn waits_for_answers(&self) -> bool {
        self.actions_in_flight.load(Ordering::Relaxed) > 0
            || self.reads_in_flight.load(Ordering::Relaxed) > 0
    }

    /// Says why, puts the device out of the namespace and closes: official clients stay away.
    pub fn keep_out(&self, code: Code) {
        self.push(closing(code, None));
        self.push(packet::disconnect());
        self.outlet.close();
    }

    /// Whether the thread is on its screen.
    pub fn has_open(&self, id: ThreadId) -> bool {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&id)
    }

    /// Notes that the thread is on its screen. The oldest gives way when there are too many.
    pub fn open(&self, id: ThreadId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|known| *known != id);
        if open.len() == OPEN_THREADS_PER_DEVICE_MAX {
            open.remove(0);
        }
        open.push(id);
    }

    /// Notes that the thread is off its screen.
    pub fn close(&self, id: ThreadId) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|known| *known != id);
    }

    /// Whether the device may send another notice now.
    pub fn may_notify(&self) -> bool {
        self.notices.take()
    }

    /// Whether the device may tell another delivered position now.
    pub fn may_tell_delivered(&self) -> bool {
        self.delivered.take()
    }

    /// How long to wait when it may not.
    pub fn notice_interval() -> Duration {
        Duration::from_secs_f64(1.0 / NOTICES_PER_SECOND)
    }

    /// A place; none when too many wait for their answer.
    pub fn begin(self: &std::sync::Arc<Self>, waits: Waits) -> Option<InFlight> {
        let (count, max) = self.in_flight(waits);
        let before = count.fetch_add(1, Ordering::Relaxed);
        // Dropped at once when there was no place, which gives the count back.
        let place = InFlight(self.clone(), waits);
        (before < max).then_some(place)
    }

    fn in_flight(&self, waits: Waits) -> (&AtomicUsize, usize) {
        match waits {
            Waits::Action => (&self.actions_in_flight, DEVICE_ACTIONS_IN_FLIGHT_MAX),
            Waits::Read => (&self.reads_in_flight, READS_IN_FLIGHT_MAX),
        }
    }
}

fn closing(code: Code, retry_after_ms: Option<u64>) -> Frame {
    packet::event(
        from_server::CLOSING,
        &Closing {
            code,
            retry_after_ms,
        },
    )
}
