//! What the program prints: results to stdout, everything else to stderr.

use std::io::{self, Write as _};

/// The exit status of a program that the closing of its pipe ended, as shells tell it.
const PIPE_CLOSED: i32 = 141;

/// A result, for people and pipes. Who reads the pipe may go away: then there is nobody to tell anything to.
pub(crate) fn result(line: impl std::fmt::Display) {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(PIPE_CLOSED),
        Err(error) => {
            note(format_args!("semel: cannot write the result: {error}"));
            std::process::exit(1);
        }
    }
}

/// What is going on, for people. Where it cannot be written there is nowhere to say so.
pub(crate) fn note(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
