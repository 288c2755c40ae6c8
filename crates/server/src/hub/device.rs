//! One connected device.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use semel_protocol::{
    Code, DeviceId, ThreadId, Timestamp, UserId,
    limits::{DEVICE_ACTIONS_IN_FLIGHT_MAX, OPEN_THREADS_PER_DEVICE_MAX},
    socket::{Closing, from_server},
};

use crate::realtime::packet::{self, Frame};

/// Ephemeral notices (typing, presence) of one device per second, and how many at once.
const NOTICES_PER_SECOND: f64 = 5.0;
const NOTICES_AT_ONCE: f64 = 10.0;

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
    /// Its name for itself.
    pub device_id: Option<DeviceId>,
    /// When its token ends.
    pub expires_at: Timestamp,
    /// Threads on its screen.
    open: Mutex<Vec<ThreadId>>,
    /// Whose presence it wants to know.
    pub(super) watching: Mutex<Vec<UserId>>,
    actions_in_flight: AtomicUsize,
    notices: Mutex<(f64, Instant)>,
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

/// A place among the actions of a device that wait for their answer.
#[derive(Debug)]
pub struct InFlight(std::sync::Arc<Device>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.actions_in_flight.fetch_sub(1, Ordering::Relaxed);
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
            device_id,
            expires_at,
            open: Mutex::default(),
            watching: Mutex::default(),
            actions_in_flight: AtomicUsize::new(0),
            notices: Mutex::new((NOTICES_AT_ONCE, Instant::now())),
            is_cut: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            outlet,
        }
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
            metrics::counter!("semel_slow_devices_cut_total").increment(1);
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
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        let (allowance, since) = *notices;
        let gained = since.elapsed().as_secs_f64() * NOTICES_PER_SECOND;
        let allowance = (allowance + gained).min(NOTICES_AT_ONCE);
        *notices = ((allowance - 1.0).max(0.0), Instant::now());
        allowance >= 1.0
    }

    /// How long to wait when it may not.
    pub fn notice_interval() -> Duration {
        Duration::from_secs_f64(1.0 / NOTICES_PER_SECOND)
    }

    /// A place for an action; none when too many wait for their answer.
    pub fn begin(self: &std::sync::Arc<Self>) -> Option<InFlight> {
        let before = self.actions_in_flight.fetch_add(1, Ordering::Relaxed);
        // Dropped at once when there was no place, which gives the count back.
        let place = InFlight(self.clone());
        (before < DEVICE_ACTIONS_IN_FLIGHT_MAX).then_some(place)
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
