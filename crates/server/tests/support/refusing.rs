//! A store that does not answer everything that it is asked.

use std::sync::{Arc, Mutex};

use semel_core::{
    Key,
    ports::{LedgerError, Question},
};

/// What a question is answered that names these keys at once; none: what it asks for.
pub(crate) type Refuse = dyn Fn(&[Key]) -> Option<LedgerError> + Send + Sync;

/// Why a question was not answered.
#[derive(Clone, Default)]
pub(crate) struct Refused(Arc<Mutex<Option<LedgerError>>>);

impl Refused {
    pub(crate) fn answer(&self) -> Result<(), LedgerError> {
        self.0.lock().unwrap().take().map_or(Ok(()), Err)
    }
}

/// A question that ends where it is not answered.
pub(crate) fn guard(mut question: Question, refuse: Arc<Refuse>) -> (Question, Refused) {
    let refused = Refused::default();
    let note = refused.clone();
    let guarded = move |rows: &_| match question(rows) {
        Ok(()) => Ok(()),
        Err(key) => match refuse(&flat(&key)) {
            None => Err(key),
            Some(error) => {
                *note.0.lock().unwrap() = Some(error);
                Ok(())
            }
        },
    };
    (Box::new(guarded), refused)
}

fn flat(key: &Key) -> Vec<Key> {
    match key {
        Key::Many(keys) => keys.iter().flat_map(flat).collect(),
        key => vec![key.clone()],
    }
}

/// As of a row that cannot be read.
pub(crate) fn unreadable() -> LedgerError {
    LedgerError::Internal("a row of the test".to_owned())
}

/// As of a question that takes too long.
pub(crate) fn too_long() -> LedgerError {
    LedgerError::Unavailable("a question of the test takes too long".to_owned())
}
