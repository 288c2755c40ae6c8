//! One connection: Socket.IO over WebSocket, with small buffers.

use std::{ops::Range, time::Duration};

use futures_util::{SinkExt, StreamExt};
use semel_protocol::{Code, DeviceId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error as WebSocketError, Message, Utf8Bytes, protocol::WebSocketConfig},
};

use crate::{
    Address,
    codec::{self, Packet},
};

/// Time in which a connection must be open and accepted.
const CONNECT_SECONDS_MAX: u64 = 20;
/// Bytes that one read takes; larger packets take several. The usual 128 KiB would be most of a connection's memory.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes of one packet from the server: a full `sync` answer fits.
const PACKET_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One open connection. Answers pings by itself while [`Transport::next`] is being awaited; dropping it closes the
/// connection without a goodbye.
pub struct Transport {
    socket: WebSocketStream<TcpStream>,
    pong: Option<String>,
    unflushed: bool,
    next_id: u64,
    heard: Instant,
    silence_max: Duration,
    alarm: std::pin::Pin<Box<Sleep>>,
}

/// What the server sent.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its argument.
        payload: Payload,
    },
    /// An acknowledgement.
    Ack {
        /// Of which event: what [`Transport::feed`] returned.
        id: u64,
        /// Its argument.
        payload: Payload,
    },
}

/// JSON text inside a packet, read when it is wanted.
#[derive(Clone, Debug)]
pub struct Payload {
    text: Utf8Bytes,
    range: Range<usize>,
}

impl Payload {
    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.text[self.range.clone()]
    }

    /// Reads the JSON.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl From<String> for Payload {
    fn from(json: String) -> Self {
        let range = 0..json.len();
        Self {
            text: json.into(),
            range,
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server cannot be reached.
    #[error("the server cannot be reached")]
    Unreachable(#[source] std::io::Error),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Timeout,
    /// The connection broke before it was accepted, or the other side speaks something else.
    #[error("the connection could not be opened")]
    Transport(#[from] TransportError),
    /// The server refused the connection. The code is none if it is not known here.
    #[error("the server refused the connection: {message}")]
    Refused {
        /// For programs.
        code: Option<Code>,
        /// What the server said.
        message: String,
        /// After so many milliseconds it may let the device in.
        retry_after_ms: Option<u64>,
    },
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The server closed it.
    #[error("the server closed the connection")]
    Closed,
    /// No ping came in time.
    #[error("the server fell silent")]
    Silent,
    /// The WebSocket broke.
    #[error("the connection broke")]
    WebSocket(#[source] Box<WebSocketError>),
    /// The server sent what is no packet.
    #[error("the server sent something unexpected")]
    Protocol(#[from] codec::UnknownPacket),
    /// An argument cannot be written as JSON.
    #[error("an argument cannot be encoded")]
    Encode(#[from] serde_json::Error),
}

impl From<WebSocketError> for TransportError {
    fn from(error: WebSocketError) -> Self {
        match error {
            WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => Self::Closed,
            other => Self::WebSocket(Box::new(other)),
        }
    }
}

#[derive(Serialize)]
struct Auth<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a DeviceId>,
}

impl Transport {
    /// Connects and is accepted.
    pub async fn connect(
        address: &Address,
        token: &str,
        device_id: Option<&DeviceId>,
    ) -> Result<Self, ConnectError> {
        let auth = Auth { token, device_id };
        let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
        timeout(limit, Self::open(address, &auth))
            .await
            .map_err(|_| ConnectError::Timeout)?
    }

    async fn open(address: &Address, auth: &Auth<'_>) -> Result<Self, ConnectError> {
        let stream = TcpStream::connect(&address.authority).await;
        let stream = stream.map_err(ConnectError::Unreachable)?;
        stream
            .set_nodelay(true)
            .map_err(ConnectError::Unreachable)?;
        let url = format!(
            "ws://{}/socket.io/?EIO=4&transport=websocket",
            address.authority
        );
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(PACKET_BYTES_MAX))
            .max_frame_size(Some(PACKET_BYTES_MAX));
        let (socket, _) = client_async_with_config(url, stream, Some(config))
            .await
            .map_err(TransportError::from)?;
        let mut transport = Self {
            socket,
            pong: None,
            unflushed: false,
            next_id: 0,
            heard: Instant::now(),
            silence_max: Duration::from_secs(CONNECT_SECONDS_MAX),
            alarm: Box::pin(sleep(Duration::from_secs(CONNECT_SECONDS_MAX))),
        };
        transport.join(auth).await?;
        Ok(transport)
    }

    async fn join(&mut self, auth: &Auth<'_>) -> Result<(), ConnectError> {
        loop {
            let text = self.read().await?;
            match codec::decode(&text).map_err(TransportError::from)? {
                Packet::Open(open) => {
                    self.silence_max = open.silence_max();
                    self.alarm.as_mut().reset(self.heard + self.silence_max);
                    let hello = codec::connect(auth).map_err(TransportError::from)?;
                    self.write(hello).await?;
                    self.flush().await?;
                }
                Packet::Ping(probe) => self.pong = Some(codec::pong(probe)),
                Packet::Connect => return Ok(()),
                Packet::ConnectError(json) => return Err(refusal(json)),
                Packet::Noop => {}
                _ => return Err(TransportError::Closed.into()),
            }
        }
    }

    /// Queues an event; the returned number comes back with its acknowledgement. [`Transport::flush`] sends it.
    pub async fn feed(
        &mut self,
        name: &str,
        argument: &impl Serialize,
    ) -> Result<u64, TransportError> {
        let id = self.next_id;
        self.next_id += 1;
        self.write(codec::event(id, name, argument)?).await?;
        Ok(id)
    }

    /// Sends what is queued.
    pub async fn flush(&mut self) -> Result<(), TransportError> {
        self.socket.flush().await?;
        self.unflushed = false;
        Ok(())
    }

    /// Queues and sends an event.
    pub async fn emit(
        &mut self,
        name: &str,
        argument: &impl Serialize,
    ) -> Result<u64, TransportError> {
        let id = self.feed(name, argument).await?;
        self.flush().await?;
        Ok(id)
    }

    /// The next event or acknowledgement. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Incoming, TransportError> {
        loop {
            let text = self.read().await?;
            match codec::decode(&text)? {
                Packet::Event { name, arguments } => {
                    let name = name.into_owned();
                    return Ok(Incoming::Event {
                        name,
                        payload: Payload {
                            text,
                            range: arguments,
                        },
                    });
                }
                Packet::Ack { id, arguments } => {
                    return Ok(Incoming::Ack {
                        id,
                        payload: Payload {
                            text,
                            range: arguments,
                        },
                    });
                }
                Packet::Ping(probe) => self.pong = Some(codec::pong(probe)),
                Packet::Noop | Packet::Open(_) | Packet::Connect => {}
                Packet::Close | Packet::Disconnect | Packet::ConnectError(_) => {
                    return Err(TransportError::Closed);
                }
            }
        }
    }

    /// Says goodbye and closes.
    pub async fn close(mut self) {
        // The other side may be gone already; then there is nobody to say goodbye to.
        let _ = self.write(codec::disconnect().to_owned()).await;
        let _ = self.socket.close(None).await;
    }

    async fn write(&mut self, text: String) -> Result<(), TransportError> {
        self.socket.feed(Message::text(text)).await?;
        self.unflushed = true;
        Ok(())
    }

    async fn read(&mut self) -> Result<Utf8Bytes, TransportError> {
        loop {
            if let Some(pong) = &self.pong {
                self.socket.feed(Message::text(pong.as_str())).await?;
                self.pong = None;
                self.unflushed = true;
            }
            if self.unflushed {
                self.flush().await?;
            }
            let message = tokio::select! {
                biased;
                message = self.socket.next() => message,
                () = &mut self.alarm => {
                    self.check_silence()?;
                    continue;
                }
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(_))) | None => return Err(TransportError::Closed),
                Some(Ok(Message::Binary(_))) => return Err(codec::UnknownPacket.into()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// The alarm is set once per silence and not once per packet, which would cost more than the packet.
    fn check_silence(&mut self) -> Result<(), TransportError> {
        let end = self.heard + self.silence_max;
        if Instant::now() >= end {
            return Err(TransportError::Silent);
        }
        self.alarm.as_mut().reset(end);
        Ok(())
    }
}

fn refusal(json: &str) -> ConnectError {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
        data: Option<Data>,
    }
    #[derive(Deserialize)]
    struct Data {
        retry_after_ms: Option<u64>,
    }
    let (message, data) = match serde_json::from_str::<Refusal>(json) {
        Ok(refusal) => (refusal.message, refusal.data),
        Err(_) => (json.to_owned(), None),
    };
    let code = Code::ALL
        .iter()
        .copied()
        .find(|code| code.as_str() == message);
    ConnectError::Refused {
        code,
        message,
        retry_after_ms: data.and_then(|data| data.retry_after_ms),
    }
}

#[cfg(test)]
mod tests {
    use semel_protocol::socket::from_client;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn p_conn_7_a_refusal_says_for_how_long() {
        let read = |json: &str| match refusal(json) {
            ConnectError::Refused {
                code,
                message,
                retry_after_ms,
            } => (code, message, retry_after_ms),
            other => panic!("{other}"),
        };
        let busy = r#"{"message":"overloaded","data":{"retry_after_ms":7,"more":1}}"#;
        let code = Some(Code::Overloaded);
        assert_eq!(read(busy), (code, "overloaded".to_owned(), Some(7)));
        let bare = r#"{"message":"overloaded"}"#;
        assert_eq!(read(bare), (code, "overloaded".to_owned(), None));
        assert_eq!(read("none"), (None, "none".to_owned(), None));
    }

    const OPEN: &str =
        r#"0{"sid":"a","upgrades":[],"pingInterval":40,"pingTimeout":20,"maxPayload":9}"#;

    /// A server that opens, accepts, sends what it is told, and tells what it got after that.
    async fn server(
        sends: &'static [&'static str],
    ) -> (Address, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let run = async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            socket.send(Message::text(OPEN)).await.unwrap();
            let hello = socket.next().await.unwrap().unwrap();
            assert_eq!(hello.into_text().unwrap().as_str(), r#"40{"token":"t"}"#);
            for text in sends {
                socket.send(Message::text(*text)).await.unwrap();
            }
            let mut got = Vec::new();
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                got.push(text.to_string());
            }
            got
        };
        (address, tokio::spawn(run))
    }

    #[tokio::test]
    async fn pings_are_answered_while_waiting_and_events_come_in_order() {
        let sends = [
            r#"40{"sid":"b"}"#,
            "2",
            r#"42["entry",{"rev":1}]"#,
            r#"430[{"status":"x"}]"#,
        ];
        let sends: &'static [&'static str] = Box::leak(Box::new(sends));
        let (address, server) = server(sends).await;
        let mut transport = Transport::connect(&address, "t", None).await.unwrap();
        assert_eq!(transport.emit(from_client::READ, &1).await.unwrap(), 0);
        let event = transport.next().await.unwrap();
        assert!(matches!(event, Incoming::Event { name, .. } if name == "entry"));
        let ack = transport.next().await.unwrap();
        assert!(
            matches!(&ack, Incoming::Ack { id: 0, payload } if payload.as_str() == r#"{"status":"x"}"#)
        );
        transport.close().await;
        assert_eq!(server.await.unwrap(), [r#"420["read",1]"#, "3", "41"]);
    }

    #[tokio::test]
    async fn a_server_that_falls_silent_is_noticed() {
        let (address, _server) = server(&[r#"40{"sid":"b"}"#]).await;
        let mut transport = Transport::connect(&address, "t", None).await.unwrap();
        assert!(matches!(
            transport.next().await,
            Err(TransportError::Silent)
        ));
    }

    #[tokio::test]
    async fn a_refusal_has_its_code() {
        let (address, _server) = server(&[r#"44{"message":"unauthenticated"}"#]).await;
        let refused = Transport::connect(&address, "t", None).await;
        let Err(ConnectError::Refused { code, message, .. }) = refused else {
            panic!("connected")
        };
        assert_eq!(
            (code, message.as_str()),
            (Some(Code::Unauthenticated), "unauthenticated")
        );
    }
}
