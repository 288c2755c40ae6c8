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
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            output::note(format_args!("semel: {}", failure.message));
            failure.code
        }
    }
}
