//! Answers questions: a few tasks, each with its own session, each question from one snapshot.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use semel_core::{
    Key, Rows,
    ports::{LedgerError, Question},
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    time::timeout,
};

use super::{
    connect::{Address, Session},
    load::load,
};
use crate::{
    Error,
    lane::{Stats, Watch},
};

/// Questions that may wait.
const QUEUE_MAX: usize = 1024;
/// How long one question may hold its snapshot.
const QUESTION_MAX: Duration = Duration::from_secs(5);

/// A question and where its answer goes.
struct Ask {
    question: Question,
    answer: oneshot::Sender<Result<(), LedgerError>>,
}

/// Questions that wait for a reader.
pub(super) struct Questions {
    sender: Mutex<Option<mpsc::Sender<Ask>>>,
    waiting: AsyncMutex<mpsc::Receiver<Ask>>,
}

impl Questions {
    pub(super) fn new() -> Arc<Self> {
        let (sender, waiting) = mpsc::channel(QUEUE_MAX);
        Arc::new(Self {
            sender: Mutex::new(Some(sender)),
            waiting: AsyncMutex::new(waiting),
        })
    }

    /// Hands a question to the readers.
    pub(super) fn ask(
        &self,
        question: Question,
    ) -> Result<oneshot::Receiver<Result<(), LedgerError>>, LedgerError> {
        let (answer, receiver) = oneshot::channel();
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(LedgerError::Closing)?;
        sender
            .try_send(Ask { question, answer })
            .map_err(|_| LedgerError::Overloaded)?;
        Ok(receiver)
    }

    /// No more questions; those that wait are still answered.
    pub(super) fn close(&self) {
        self.sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    async fn next(&self) -> Option<Ask> {
        self.waiting.lock().await.recv().await
    }
}

/// The body of a reader.
pub(super) async fn serve(address: Address, questions: Arc<Questions>, watch: Arc<Watch>) {
    let mut session = None;
    while let Some(Ask {
        mut question,
        answer,
    }) = questions.next().await
    {
        if answer.is_closed() {
            continue;
        }
        let was_open = session.is_some();
        let mut answered = answer_one(&address, &mut session, &mut question).await;
        // A session that lay idle may have been lost long ago.
        if was_open && matches!(&answered, Err(error) if error.is_broken_connection()) {
            session = None;
            answered = answer_one(&address, &mut session, &mut question).await;
        }
        let result = answered.map_err(|error| {
            tracing::error!(error = error.chain(), "failed to answer a question");
            session = None;
            error.for_caller()
        });
        Stats::add(&watch.stats.questions, 1);
        let _ = answer.send(result);
        if let Some(open) = &session
            && open.client().batch_execute("ROLLBACK").await.is_err()
        {
            session = None;
        }
    }
}

async fn answer_one(
    address: &Address,
    session: &mut Option<Session>,
    question: &mut Question,
) -> Result<(), Error> {
    if session.is_none() {
        let mut fresh = Session::open(address, "reader").await?;
        fresh.prepare().await?;
        *session = Some(fresh);
    }
    let session = session
        .as_ref()
        .ok_or(Error::Lost("there is no connection"))?;
    let late = |_| Error::Lost("a question took too long");
    timeout(QUESTION_MAX, from_snapshot(session, question))
        .await
        .map_err(late)?
}

/// Answers a question from one snapshot.
async fn from_snapshot(session: &Session, question: &mut Question) -> Result<(), Error> {
    let (mut rows, mut asked) = (Rows::for_question(), None::<Key>);
    loop {
        let panicked = |_| Error::Corrupt("a question panicked".to_owned());
        let Err(key) = catch_unwind(AssertUnwindSafe(|| question(&rows))).map_err(panicked)? else {
            return Ok(());
        };
        if asked.as_ref() == Some(&key) {
            return Err(Error::Corrupt(format!(
                "{key:?} was loaded and is still asked for"
            )));
        }
        let begin = async {
            if asked.is_none() {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                session.client().batch_execute(begin).await?;
            }
            Ok::<_, Error>(())
        };
        tokio::try_join!(biased; begin, load(session, &key, &mut rows))?;
        asked = Some(key);
    }
}
