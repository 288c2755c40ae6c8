//! Two people on a server of their own.

use std::{error::Error, sync::Arc};

use semel_client::Api;
use semel_protocol::{ThreadId, ThreadType, UserId, requests::CreateOrGet};
use tempfile::TempDir;

use crate::{Semel, binary, token};

/// A server on which ann and bob have a direct thread with nothing in it. It ends, and its database goes, when this is dropped.
pub struct Pair {
    /// The server.
    pub server: Semel,
    /// Calls of Ann's.
    pub ann: Arc<Api>,
    /// Their thread.
    pub thread: ThreadId,
    /// Where the database is.
    pub directory: TempDir,
}

impl Pair {
    /// Starts the server and brings the two together.
    pub async fn start() -> Result<Self, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let server = Semel::start(binary(), directory.path())?;
        let bob = Api::new(server.address.clone(), &token("bob"));
        bob.get::<serde_json::Value>("/api/users/me").await?;
        let ann = Api::new(server.address.clone(), &token("ann"));
        let body = CreateOrGet {
            participants: vec![UserId::parse("bob")?],
            thread_type: Some(ThreadType::Direct),
            title: None,
            distinct: None,
            client_id: None,
        };
        let thread = ann.create_or_get(&body).await?.data.thread.id;
        Ok(Self {
            server,
            ann: Arc::new(ann),
            thread,
            directory,
        })
    }
}
