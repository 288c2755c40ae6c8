//! Answers questions: a few threads, each with its own connection, each question from one snapshot.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use semel_core::{
    Key, Rows,
    ports::{LedgerError, Question},
};
use tokio::sync::oneshot;

use super::{
    Shared,
    load::load,
    open::{Use, connect, database_path},
};
use crate::{Error, lane::Stats};

/// Questions that may wait: with the slowest ones, seconds of work. Who comes then is better told at once.
pub(super) const QUEUE_MAX: usize = 1024;
/// How long one question may hold its snapshot: meanwhile the write-ahead log cannot begin anew.
const QUESTION_MAX: Duration = Duration::from_secs(5);

/// A question and where its answer goes.
struct Ask {
    question: Question,
    answer: oneshot::Sender<Result<(), LedgerError>>,
}

/// Questions that wait for a reader.
#[derive(Default)]
pub(super) struct Questions {
    waiting: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    asks: VecDeque<Ask>,
    is_closed: bool,
}

impl Questions {
    /// Hands a question to the readers.
    pub(super) fn ask(
        &self,
        question: Question,
    ) -> Result<oneshot::Receiver<Result<(), LedgerError>>, LedgerError> {
        let (answer, receiver) = oneshot::channel();
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return Err(LedgerError::Closing);
        }
        if state.asks.len() >= QUEUE_MAX {
            return Err(LedgerError::Overloaded);
        }
        state.asks.push_back(Ask { question, answer });
        self.came.notify_one();
        Ok(receiver)
    }

    /// No more questions; those that wait are still answered.
    pub(super) fn close(&self) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_closed = true;
        self.came.notify_all();
    }

    fn next(&self) -> Option<Ask> {
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(ask) = state.asks.pop_front() {
                return Some(ask);
            }
            if state.is_closed {
                return None;
            }
            state = self
                .came
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The body of a reader thread.
pub(super) fn serve(data_dir: &Path, shared: &Shared, questions: &Questions) {
    let path = database_path(data_dir);
    let mut connection = None;
    while let Some(Ask {
        mut question,
        answer,
    }) = questions.next()
    {
        if answer.is_closed() {
            continue;
        }
        let answered = catch_unwind(AssertUnwindSafe(|| {
            answer_one(&path, &mut connection, &mut question)
        }));
        let result = match answered {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(error = error.chain(), "failed to answer a question");
                Err(error.for_caller())
            }
            Err(_) => Err(LedgerError::Internal("a question panicked".to_owned())),
        };
        if result.is_err() {
            connection = None;
        }
        Stats::add(&shared.lane.stats.questions, 1);
        let _ = answer.send(result);
    }
}

fn answer_one(
    path: &Path,
    connection: &mut Option<Connection>,
    question: &mut Question,
) -> Result<(), Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connect(path, Use::Reader)?),
    };
    answer(connection, question)
}

/// Answers a question from one snapshot.
pub(super) fn answer(connection: &Connection, question: &mut Question) -> Result<(), Error> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let (started, mut rows, mut asked) = (Instant::now(), Rows::for_question(), None::<Key>);
    while let Err(key) = question(&rows) {
        if asked.as_ref() == Some(&key) {
            return Err(Error::Corrupt(format!(
                "{key:?} was loaded and is still asked for"
            )));
        }
        if started.elapsed() > QUESTION_MAX {
            return Err(Error::Unusable("a question took too long".to_owned()));
        }
        load(connection, &key, &mut rows)?;
        asked = Some(key);
    }
    connection.prepare_cached("ROLLBACK")?.execute([])?;
    Ok(())
}
