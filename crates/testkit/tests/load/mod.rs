//! People who write without pause, and what they remember of it.

mod verify;
mod writers;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use semel_client::{Address, Api, IdMaker};
use semel_protocol::{ClientId, MessageId, ThreadId, ThreadType, UserId, requests::CreateOrGet};
use semel_testkit::{random, token};
use tokio::{sync::watch, task::JoinHandle};

pub(crate) use verify::verify;

/// How many write in which way.
pub(crate) struct Plan {
    /// Over Socket.IO, sending again until acknowledged.
    pub(crate) patient: usize,
    /// Over Socket.IO, never sending again.
    pub(crate) hasty: usize,
    /// Over HTTP with idempotency keys, sending again until acknowledged.
    pub(crate) keyed: usize,
}

/// A running load.
pub(crate) struct Load {
    pub(crate) writers: Vec<Writer>,
    pub(crate) memory: Arc<Memory>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Somebody who writes, in the crowd and in a thread of two by turns.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) number: usize,
    pub(crate) address: Address,
    pub(crate) token: String,
    pub(crate) threads: [ThreadId; 2],
}

/// What all writers remember together.
pub(crate) struct Memory {
    pub(crate) lines: Mutex<Vec<Line>>,
    /// What devices saw that they should not have seen.
    pub(crate) violations: Mutex<Vec<String>>,
    acknowledged: watch::Sender<Vec<u64>>,
    stop: AtomicBool,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) writer: usize,
    pub(crate) thread: ThreadId,
    pub(crate) client_id: ClientId,
    pub(crate) content: String,
    pub(crate) key: Option<String>,
    /// Its id and place, if it was acknowledged.
    pub(crate) place: Option<(MessageId, u64)>,
}

/// What came of a load.
pub(crate) struct Report {
    pub(crate) acknowledged: usize,
    pub(crate) unanswered: usize,
}

impl Memory {
    pub(crate) fn remember(&self, line: Line) {
        let writer = line.writer;
        let is_acknowledged = line.place.is_some();
        self.lines.lock().unwrap().push(line);
        if is_acknowledged {
            self.acknowledged.send_modify(|counts| counts[writer] += 1);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Writer {
    pub(crate) fn api(&self) -> Api {
        Api::new(self.address.clone(), &self.token)
    }

    pub(crate) fn ids() -> IdMaker {
        IdMaker::new(random())
    }
}

impl Load {
    pub(crate) async fn start(address: &Address, plan: Plan) -> Self {
        let count = plan.patient + plan.hasty + plan.keyed;
        let names: Vec<String> = (0..count)
            .map(|number| format!("writer-{number}"))
            .collect();
        let apis: Vec<Api> = names
            .iter()
            .map(|name| Api::new(address.clone(), &token(name)))
            .collect();
        for api in &apis {
            api.get::<serde_json::Value>("/api/users/me").await.unwrap();
        }
        let crowd = thread(&apis[0], &names, ThreadType::Group).await;
        let mut writers = Vec::new();
        for number in 0..count {
            let other = names[(number + 1) % count].clone();
            let own = thread(&apis[number], &[other], ThreadType::Direct).await;
            let token = token(&names[number]);
            let threads = [crowd, own];
            writers.push(Writer {
                number,
                address: address.clone(),
                token,
                threads,
            });
        }
        let memory = Arc::new(Memory {
            lines: Mutex::default(),
            violations: Mutex::default(),
            acknowledged: watch::Sender::new(vec![0; count]),
            stop: AtomicBool::new(false),
        });
        let mut tasks = Vec::new();
        for (number, writer) in writers.iter().cloned().enumerate() {
            let memory = Arc::clone(&memory);
            tasks.push(if number < plan.patient {
                tokio::spawn(writers::patient(writer, memory))
            } else if number < plan.patient + plan.hasty {
                tokio::spawn(writers::hasty(writer, memory))
            } else {
                tokio::spawn(writers::keyed(writer, memory))
            });
        }
        Self {
            writers,
            memory,
            tasks: Mutex::new(tasks),
        }
    }

    /// Returns when every writer has been acknowledged once more than now.
    pub(crate) async fn everybody_is_acknowledged_again(&self) {
        let mut counts = self.memory.acknowledged.subscribe();
        let before = counts.borrow_and_update().clone();
        let moved = |now: &Vec<u64>| now.iter().zip(&before).all(|(now, before)| now > before);
        counts.wait_for(moved).await.unwrap();
    }

    /// Nobody begins a new message; returns when all who go on until they are acknowledged are.
    pub(crate) async fn finish(&self) -> Report {
        self.memory.stop.store(true, Ordering::Relaxed);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        for task in tasks {
            task.await.unwrap();
        }
        let acknowledged = self.memory.acknowledged.borrow().iter().sum::<u64>() as usize;
        let unanswered = self.memory.lines.lock().unwrap().len() - acknowledged;
        Report {
            acknowledged,
            unanswered,
        }
    }
}

async fn thread(api: &Api, names: &[String], thread_type: ThreadType) -> ThreadId {
    let body = CreateOrGet {
        participants: names
            .iter()
            .map(|name| UserId::parse(name).unwrap())
            .collect(),
        thread_type: Some(thread_type),
        title: None,
        distinct: None,
        client_id: None,
    };
    api.create_or_get(&body).await.unwrap().data.thread.id
}
