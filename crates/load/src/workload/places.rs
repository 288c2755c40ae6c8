//! Where the servers are: they may move while people write.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use semel_client::{Address, ApiError, ConnectError, Link, Network, Sockets};
use semel_protocol::{DeviceId, ThreadId, entry::EntryPage, message::MessagePage, sync::Cursor};

/// The addresses of the servers.
#[derive(Debug)]
pub(super) struct Places {
    addresses: RwLock<Vec<Address>>,
    version: AtomicU64,
}

impl Places {
    pub(super) fn new(addresses: Vec<Address>) -> Self {
        Self {
            addresses: RwLock::new(addresses),
            version: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, addresses: Vec<Address>) {
        let mut places = self
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *places = addresses;
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Another number after every move.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The server of the client with this number.
    pub(super) fn of(&self, client: usize) -> Address {
        let places = self
            .addresses
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        places[client % places.len()].clone()
    }
}

/// The network of a session that finds its server wherever it has moved to.
pub(super) struct Roaming {
    places: Arc<Places>,
    client: usize,
    current: Mutex<(u64, Arc<Sockets>)>,
}

impl Roaming {
    pub(super) fn new(places: Arc<Places>, client: usize) -> Self {
        let current = (places.version(), sockets(&places, client));
        Self {
            places,
            client,
            current: Mutex::new(current),
        }
    }

    fn sockets(&self) -> Arc<Sockets> {
        let version = self.places.version();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != version {
            *current = (version, sockets(&self.places, self.client));
        }
        Arc::clone(&current.1)
    }
}

fn sockets(places: &Places, client: usize) -> Arc<Sockets> {
    Arc::new(Sockets::new(places.of(client)))
}

#[async_trait]
impl Network for Roaming {
    async fn connect(
        &self,
        token: &str,
        device_id: &DeviceId,
    ) -> Result<Box<dyn Link>, ConnectError> {
        self.sockets().connect(token, device_id).await
    }

    async fn entries_after(
        &self,
        token: &str,
        thread_id: ThreadId,
        after: &Cursor,
    ) -> Result<EntryPage, ApiError> {
        let sockets = self.sockets();
        sockets.entries_after(token, thread_id, after).await
    }

    async fn newest_messages(
        &self,
        token: &str,
        thread_id: ThreadId,
    ) -> Result<MessagePage, ApiError> {
        self.sockets().newest_messages(token, thread_id).await
    }
}
