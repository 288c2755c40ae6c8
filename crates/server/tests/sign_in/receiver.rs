//! Somebody outside who takes messages: a real HTTP server.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Default)]
struct Inside {
    messages: Mutex<Vec<Message>>,
    /// What is answered next instead of 200.
    troubles: Mutex<VecDeque<StatusCode>>,
}

/// The receiver, on a free port of this machine.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inside: Arc<Inside>,
    taken: AtomicUsize,
    task: JoinHandle<()>,
}

async fn take(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: String) -> StatusCode {
    inside
        .messages
        .lock()
        .unwrap()
        .push(Message { headers, body });
    let trouble = inside.troubles.lock().unwrap().pop_front();
    trouble.unwrap_or(StatusCode::OK)
}

impl Receiver {
    pub(crate) async fn start() -> Arc<Self> {
        let inside = Arc::<Inside>::default();
        let router = Router::new()
            .route("/", post(take))
            .with_state(Arc::clone(&inside));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let taken = AtomicUsize::new(0);
        Arc::new(Self {
            url,
            inside,
            taken,
            task,
        })
    }

    /// Answers the next messages with these.
    pub(crate) fn trouble(&self, statuses: &[StatusCode]) {
        self.inside.troubles.lock().unwrap().extend(statuses);
    }

    /// The next message that nobody has taken.
    pub(crate) async fn next(&self) -> Message {
        self.message(self.taken.fetch_add(1, Ordering::SeqCst))
            .await
    }

    /// All messages so far.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.inside.messages.lock().unwrap().clone()
    }

    /// The `n`-th message, when it is there.
    pub(crate) async fn message(&self, n: usize) -> Message {
        let there = async {
            loop {
                if let Some(message) = self.messages().get(n) {
                    return message.clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let there = tokio::time::timeout(Duration::from_secs(20), there).await;
        there.unwrap_or_else(|_| panic!("message {n} of {:?}", self.messages()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
