//! Panics of tasks: the runtime and the lane catch them, and a simulation must hear of them.

use std::{cell::RefCell, panic, sync::Once};

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on panics of this thread are noted instead of printed.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|what| {
            HEARD.with_borrow_mut(|heard| heard.push(what.to_string()));
        }));
    });
    heard();
}

/// What was noted since the last call.
pub(crate) fn heard() -> Vec<String> {
    HEARD.with_borrow_mut(std::mem::take)
}
