//! What the program prints: results to stdout, everything else to stderr.

/// A result, for people and pipes.
#[expect(
    clippy::print_stdout,
    reason = "this is the one place that prints results"
)]
pub(crate) fn result(line: impl std::fmt::Display) {
    println!("{line}");
}

/// What is going on, for people.
#[expect(
    clippy::print_stderr,
    reason = "this is the one place that tells people what goes on"
)]
pub(crate) fn note(line: impl std::fmt::Display) {
    eprintln!("{line}");
}
