//! Panics of tasks: the runtime and the lane catch them, and a simulation must hear of them.

use std::{cell::RefCell, panic, sync::Once};

thread_local! {
    /// What this thread heard; none while it simulates nothing.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// From now on panics of this thread are noted instead of printed.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            let is_noted = HEARD.with_borrow_mut(|heard| match heard {
                Some(heard) => {
                    heard.push(what.to_string());
                    true
                }
                None => false,
            });
            if !is_noted {
                before(what);
            }
        }));
    });
    HEARD.set(Some(Vec::new()));
}

/// What was noted; from now on panics are printed again.
pub(crate) fn heard() -> Vec<String> {
    HEARD.take().unwrap_or_default()
}
