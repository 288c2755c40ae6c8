//! Where the servers are: they may move while people write.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
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

    /// The server of the client with this number, to begin with; the numbers behind it are where it goes next.
    pub(super) fn of(&self, client: usize) -> Address {
        let places = self.read();
        places[client % places.len()].clone()
    }

    /// How many servers there are.
    pub(super) fn count(&self) -> usize {
        self.read().len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Address>> {
        self.addresses
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network of a session that finds its server wherever it has moved to, and another one for each connection.
pub(super) struct Roaming {
    places: Arc<Places>,
    client: usize,
    current: Mutex<Current>,
}

struct Current {
    version: u64,
    /// Connections that were tried.
    tries: usize,
    sockets: Arc<Sockets>,
}

impl Roaming {
    pub(super) fn new(places: Arc<Places>, client: usize) -> Self {
        let current = Current {
            version: places.version(),
            tries: 0,
            sockets: sockets(&places, client),
        };
        Self {
            places,
            client,
            current: Mutex::new(current),
        }
    }

    /// Where the last connection went.
    fn sockets(&self) -> Arc<Sockets> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let place = self.client + current.tries.saturating_sub(1);
        self.here(current, place)
    }

    /// Where the next connection goes: nothing binds a device to a server.
    fn next(&self) -> Arc<Sockets> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let place = self.client + current.tries;
        if current.tries > 0 && self.places.count() > 1 {
            current.sockets = sockets(&self.places, place);
        }
        current.tries += 1;
        self.here(current, place)
    }

    fn here(&self, mut current: MutexGuard<'_, Current>, place: usize) -> Arc<Sockets> {
        let version = self.places.version();
        if current.version != version {
            current.version = version;
            current.sockets = sockets(&self.places, place);
        }
        Arc::clone(&current.sockets)
    }
}

fn sockets(places: &Places, place: usize) -> Arc<Sockets> {
    Arc::new(Sockets::new(places.of(place)))
}

#[async_trait]
impl Network for Roaming {
    async fn connect(
        &self,
        token: &str,
        device_id: &DeviceId,
    ) -> Result<Box<dyn Link>, ConnectError> {
        self.next().connect(token, device_id).await
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{net::TcpListener, time::timeout};

    use super::*;

    /// Who connects is hung up on; the server that it was.
    async fn connects(network: &Roaming, servers: &[TcpListener; 2]) -> usize {
        let device = DeviceId("phone".to_owned());
        let accepted = async {
            tokio::select! {
                _ = servers[0].accept() => 0,
                _ = servers[1].accept() => 1,
            }
        };
        let both = async { tokio::join!(network.connect("token", &device), accepted) };
        let (link, server) = timeout(Duration::from_secs(20), both).await.unwrap();
        assert!(link.is_err());
        server
    }

    #[tokio::test]
    async fn a_device_that_connects_again_goes_to_another_server() {
        let listen = || TcpListener::bind("127.0.0.1:0");
        let servers = [listen().await.unwrap(), listen().await.unwrap()];
        let address = |server: &TcpListener| Address {
            authority: server.local_addr().unwrap().to_string(),
        };
        let places = Arc::new(Places::new(servers.iter().map(address).collect()));
        let network = Roaming::new(Arc::clone(&places), 1);
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(connects(&network, &servers).await);
        }
        assert_eq!(seen, [1, 0, 1]);
        // They have moved, each to the other's place.
        places.set(servers.iter().rev().map(address).collect());
        assert_eq!(connects(&network, &servers).await, 1);
    }
}
