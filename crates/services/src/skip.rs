//! What cannot be tested here is told, never passed over.

use std::{env, error::Error, fs, io::Write, path::Path};

use crate::Trouble;

/// Tells that a part is not tested, as `scripts/common.sh` does: `scripts/report` tells it again.
///
/// # Panics
///
/// With `CI=true`: there nothing may be skipped.
#[expect(clippy::print_stderr, reason = "whoever runs the tests must see it")]
pub fn skip(part: &str, reason: &str) {
    eprintln!("SKIPPED {part}: {reason}");
    let skips = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/skipped");
    let file = fs::File::options().create(true).append(true).open(skips);
    let told = file.and_then(|mut file| writeln!(file, "{part}: {reason}"));
    told.expect("the list of skipped parts can be written");
    let is_ci = env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "in CI nothing may be skipped");
}

/// What was started; none, with a line that says so, where it is not installed.
///
/// # Panics
///
/// If it is installed and does not start, or with `CI=true`, where nothing may be skipped.
pub fn or_skip<T>(started: Result<T, Trouble>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(Trouble::Missing { part, reason }) => {
            skip(part, &reason);
            None
        }
        Err(trouble) => {
            let why = trouble.source().map(ToString::to_string);
            panic!("{trouble}: {}", why.unwrap_or_default());
        }
    }
}
