//! The program `semel`: the server and what its operators need.

mod args;
mod commands;
mod demo;
mod logging;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    match semel_sabotage::choose_from_environment() {
        Ok(None) => {}
        Ok(Some(defect)) => output::note(format_args!(
            "semel: this process has the defect {}: for tests only",
            defect.name()
        )),
        Err(problem) => {
            output::note(format_args!(
                "semel: {}: {problem}",
                semel_sabotage::VARIABLE
            ));
            return ExitCode::FAILURE;
        }
    }
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            output::note(format_args!("semel: {}", failure.message));
            failure.code
        }
    }
}
