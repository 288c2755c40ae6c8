//! Takes connections and serves HTTP/1.1 on them.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

use tower_service::Service;

use super::ServeError;
use crate::address::ClientAddress;

/// How long a client may take to send the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of the head of a request, and of each buffer of a connection at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Connections that the system keeps until they are taken, if it is allowed that many (`net.core.somaxconn`). After a
/// restart everybody comes at once, and whoever finds the queue full tries again after one second, then three.
const QUEUE_CONNECTIONS_MAX: u32 = 4_096;
/// The pause after the system refuses a connection, for want of file descriptors for example.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// An address that is taken.
pub(super) struct Listener {
    /// Which; with the port that was found if 0 was asked for.
    pub(super) address: SocketAddr,
    socket: TcpListener,
}

/// A listener that serves. Everything that works for it holds a receiver.
#[derive(Debug)]
pub(super) struct Listening(watch::Sender<bool>);

/// Takes an address; `setting` chose it.
pub(super) fn bind(address: SocketAddr, setting: &'static str) -> Result<Listener, ServeError> {
    let failed = |source| ServeError::Listen {
        address,
        setting,
        source,
    };
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
    .map_err(failed)?;
    // As a restarted server needs it: connections of the one before may still be on their way out.
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    let socket = socket.listen(QUEUE_CONNECTIONS_MAX).map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok(Listener { address, socket })
}

impl Listener {
    /// Serves from now on. These proxies are believed to say for whom they ask.
    pub(super) fn serve(self, router: Router, trusted: &[IpNet]) -> Listening {
        let (stop, stopping) = watch::channel(false);
        let door = Door {
            router,
            trusted: trusted.into(),
        };
        tokio::spawn(accept(self.socket, door, stopping));
        Listening(stop)
    }
}

impl Listening {
    /// Takes no more connections, finishes the requests that came, and returns when all connections have ended or
    /// `patience` is over.
    pub(super) async fn stop(self, patience: Duration) {
        // Nobody is left to be told when all have ended already.
        let _ = self.0.send(true);
        if tokio::time::timeout(patience, self.0.closed())
            .await
            .is_err()
        {
            tracing::warn!("connections were still open when the server stopped");
        }
    }
}

/// What every connection gets.
#[derive(Clone)]
struct Door {
    router: Router,
    trusted: Arc<[IpNet]>,
}

async fn accept(socket: TcpListener, door: Door, mut stopping: watch::Receiver<bool>) {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES_MAX);
    let server = Arc::new(server);
    let for_connections = stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = told(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (server, door) = (Arc::clone(&server), door.clone());
                let stopping = for_connections.clone();
                tokio::spawn(connection(server, stream, peer.ip(), door, stopping));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

async fn connection(
    server: Arc<http1::Builder>,
    stream: TcpStream,
    peer: IpAddr,
    door: Door,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small and wait for nothing: Nagle's algorithm would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let address = ClientAddress::of(peer, request.headers(), &door.trusted);
        request.extensions_mut().insert(address);
        Service::call(&mut door.router.clone(), request)
    });
    let mut connection = pin!(
        server
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Returns when it is time to stop; also when whoever would tell is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
