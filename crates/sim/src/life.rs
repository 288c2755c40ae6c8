//! One life of a server: until it is killed.

use std::{future::pending, sync::Arc};

use tokio::sync::watch;

/// A life of a server. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Life(Arc<watch::Sender<bool>>);

impl Life {
    pub(crate) fn begin() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// The server is killed: nothing that it still does is seen by anybody.
    pub(crate) fn end(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.0.borrow()
    }

    /// Comes back only while the server lives.
    pub(crate) async fn go_on(&self) {
        if self.is_over() {
            pending::<()>().await;
        }
    }

    /// Comes back when the server is killed.
    pub(crate) async fn over(&self) {
        let mut life = self.0.subscribe();
        // It is held here, so it is not dropped.
        let _ = life.wait_for(|is_over| *is_over).await;
    }
}
