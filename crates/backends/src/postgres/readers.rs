//! Answers questions: a few tasks, each with its own session, each question from one snapshot.
//!
//! Invariant: nothing is shown that a standby which is waited for lacks, and would undo when it takes over.

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

/// How long the end of a snapshot may take.
const END_MAX: Duration = Duration::from_secs(2);
/// A commit, if standbys are waited for.
const COMMIT: &str = "SELECT pg_logical_emit_message(true, 'semel', '')
    WHERE current_setting('synchronous_standby_names') <> ''";

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
        if session
            .as_ref()
            .is_some_and(|open: &Session| open.is_outdated(&address))
        {
            session = None;
        }
        let late = |_| Error::Lost("a question took too long");
        let answering = from_snapshot(&address, &mut session, &mut question);
        let answered = timeout(QUESTION_MAX, answering)
            .await
            .map_err(late)
            .flatten();
        // It may have hung meanwhile, and have been replaced: what it says now is what was, long ago.
        let answered = answered.and_then(|()| match &session {
            Some(open) if open.is_outdated(&address) => {
                Err(Error::Lost("its place was taken by another one already"))
            }
            _ => Ok(()),
        });
        let result = answered.map_err(|error| {
            tracing::error!(error = error.chain(), "failed to answer a question");
            session = None;
            error.for_caller()
        });
        Stats::add(&watch.stats.questions, 1);
        let _ = answer.send(result);
        if let Some(open) = &session {
            // A server that hangs just now does not keep the next question from another one.
            let end = timeout(END_MAX, open.client().batch_execute("ROLLBACK")).await;
            if !matches!(end, Ok(Ok(()))) {
                session = None;
            }
        }
    }
}

/// Answers a question from one snapshot.
async fn from_snapshot(
    address: &Address,
    session: &mut Option<Session>,
    question: &mut Question,
) -> Result<(), Error> {
    let (mut rows, mut asked) = (Rows::for_question(), None::<Key>);
    loop {
        let panicked = |_| Error::Corrupt("a question panicked".to_owned());
        let asking = catch_unwind(AssertUnwindSafe(|| question(&rows)));
        let Err(key) = asking.map_err(panicked)? else {
            return Ok(());
        };
        if asked.as_ref() == Some(&key) {
            return Err(Error::Corrupt(format!(
                "{key:?} was loaded and is still asked for"
            )));
        }
        match (&session, &asked) {
            (Some(open), Some(_)) => load(open, &key, &mut rows).await?,
            (Some(open), None) => match begin(open, &key, &mut rows).await {
                // It may have been lost long ago, idle. Nothing was seen through it yet.
                Err(error) if error.is_broken_connection() => {
                    let fresh = session.insert(open_session(address).await?);
                    begin(fresh, &key, &mut rows).await?;
                }
                begun => begun?,
            },
            (None, _) => {
                let fresh = session.insert(open_session(address).await?);
                begin(fresh, &key, &mut rows).await?;
            }
        }
        asked = Some(key);
    }
}

async fn open_session(address: &Address) -> Result<Session, Error> {
    let mut session = Session::open(address, "reader").await?;
    session.prepare().await?;
    wait_for_standbys(&session).await?;
    Ok(session)
}

/// Usually a commit is seen when standbys have it. A server that comes back from a crash, which is when sessions are opened,
/// shows at once what was committed before it. A commit of one's own that has waited for standbys says that they have
/// everything before it, too.
async fn wait_for_standbys(session: &Session) -> Result<(), Error> {
    let warnings = session.warnings();
    session.client().batch_execute(COMMIT).await?;
    if session.warnings() == warnings {
        Ok(())
    } else {
        Err(Error::Lost("what it shows may be on one server only"))
    }
}

/// Begins the snapshot with the first rows.
async fn begin(session: &Session, key: &Key, rows: &mut Rows) -> Result<(), Error> {
    let begin = async {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok::<_, Error>(session.client().batch_execute(begin).await?)
    };
    tokio::try_join!(biased; begin, load(session, key, rows))?;
    Ok(())
}
