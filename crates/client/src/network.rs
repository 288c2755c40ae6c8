//! What a session needs from outside: a connection, and two reads. [`Sockets`] is the real one; a simulation brings
//! its own.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use semel_protocol::{
    DeviceId, ThreadId, entry::EntryPage, limits, message::MessagePage, sync::Cursor,
};
use serde_json::value::RawValue;

use crate::{Address, Api, ApiError, ConnectError, Incoming, Transport, TransportError};

/// The way to the server.
#[async_trait]
pub trait Network: Send + Sync {
    /// Connects, and is accepted. Ends by itself in bounded time.
    async fn connect(
        &self,
        token: &str,
        device_id: &DeviceId,
    ) -> Result<Box<dyn Link>, ConnectError>;

    /// The entries after a place in a log, at most [`limits::PAGE_ENTRIES_MAX`].
    async fn entries_after(
        &self,
        token: &str,
        thread_id: ThreadId,
        after: &Cursor,
    ) -> Result<EntryPage, ApiError>;

    /// The newest messages of a thread.
    async fn newest_messages(
        &self,
        token: &str,
        thread_id: ThreadId,
    ) -> Result<MessagePage, ApiError>;
}

/// One open connection. Dropping it closes it without a goodbye.
#[async_trait]
pub trait Link: Send {
    /// Queues an event with its argument; the returned number comes back with its acknowledgement and is given out
    /// once per connection. [`Link::flush`] sends it.
    async fn feed(&mut self, name: &str, argument: &RawValue) -> Result<u64, TransportError>;

    /// Sends what is queued.
    async fn flush(&mut self) -> Result<(), TransportError>;

    /// The next event or acknowledgement. Nothing is lost when the future is dropped.
    async fn next(&mut self) -> Result<Incoming, TransportError>;

    /// Says goodbye and closes.
    async fn close(self: Box<Self>);
}

/// The real network: [`Transport`] for connections, [`Api`] for reads. Meant for one person: it keeps one HTTP
/// connection, for the token that was used last.
pub struct Sockets {
    address: Address,
    api: Mutex<Option<(String, Arc<Api>)>>,
}

impl Sockets {
    /// To a server. Connects when first needed.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            api: Mutex::new(None),
        }
    }

    fn api(&self, token: &str) -> Arc<Api> {
        let mut slot = self.api.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, api)) = &*slot
            && known == token
        {
            return Arc::clone(api);
        }
        let api = Arc::new(Api::new(self.address.clone(), token));
        *slot = Some((token.to_owned(), Arc::clone(&api)));
        api
    }
}

#[async_trait]
impl Network for Sockets {
    async fn connect(
        &self,
        token: &str,
        device_id: &DeviceId,
    ) -> Result<Box<dyn Link>, ConnectError> {
        let transport = Transport::connect(&self.address, token, Some(device_id)).await?;
        Ok(Box::new(transport))
    }

    async fn entries_after(
        &self,
        token: &str,
        thread_id: ThreadId,
        after: &Cursor,
    ) -> Result<EntryPage, ApiError> {
        let api = self.api(token);
        let page = api.entries_after(thread_id, after, limits::PAGE_ENTRIES_MAX);
        Ok(page.await?.data)
    }

    async fn newest_messages(
        &self,
        token: &str,
        thread_id: ThreadId,
    ) -> Result<MessagePage, ApiError> {
        Ok(self.api(token).newest_messages(thread_id).await?.data)
    }
}

#[async_trait]
impl Link for Transport {
    async fn feed(&mut self, name: &str, argument: &RawValue) -> Result<u64, TransportError> {
        Self::feed(self, name, &argument).await
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        Self::flush(self).await
    }

    async fn next(&mut self) -> Result<Incoming, TransportError> {
        Self::next(self).await
    }

    async fn close(self: Box<Self>) {
        Self::close(*self).await;
    }
}
