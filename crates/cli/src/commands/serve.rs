//! `semel serve`.

use std::process::ExitCode;

use semel_server::{
    config::Config,
    serve::{self, Running},
};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Outcome};
use crate::{logging, output};

/// Serves until it is told to stop.
pub(crate) fn run(config: Config) -> Outcome {
    logging::start(&config);
    raise_file_limit();
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    runtime.block_on(serve_until_told(config))
}

async fn serve_until_told(config: Config) -> Outcome {
    // Before anything is there to be stopped: a signal during the start is not lost.
    let listen =
        |kind| signal(kind).map_err(|error| Failure::because("cannot take signals", &error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let running = serve::start(config)
        .await
        .map_err(|error| Failure::because("the server did not start", &error))?;
    let operator = running.operator_token().await;
    banner(&running, operator.as_deref());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output::note("Stopping: finishing what is under way. Once more ends at once.");
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::FAILURE),
        _ = interrupt.recv() => Ok(ExitCode::FAILURE),
    }
}

fn banner(running: &Running, operator: Option<&str>) {
    let url = running.url();
    let data_dir = running.config().data_dir.display().to_string();
    let flag = match data_dir.as_str() {
        "./data" => String::new(),
        other => format!(" --data-dir {}", quoted(other)),
    };
    let metrics = running.metrics_address.map_or_else(
        || "off".to_owned(),
        |address| format!("http://{address}/metrics"),
    );
    // Only where people sign in here: a host application names its operators itself.
    let operator = operator.filter(|_| running.config().sign_in.is_on());
    let operator = operator.map_or_else(String::new, |token| {
        let how = "whoever signs in and uses this link first is the operator";
        format!("  operator {url}/#operator={token}\n           ({how})\n")
    });
    output::note(format_args!(
        "\nSemel {version} is ready.\n\n  \
         open     {url}\n  \
         token    semel token YOUR_NAME{flag}\n  \
         API      {url}/api/docs\n  \
         metrics  {metrics}\n  \
         data     {data_dir}\n{operator}\n\
         Ctrl-C stops it.\n",
        version = env!("CARGO_PKG_VERSION"),
    ));
}

/// As a shell needs it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Every connection takes a file descriptor, and many systems begin with 1,024 of them: takes as many as are allowed, and
/// returns how many there are; none: no limit.
pub(super) fn raise_file_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
        return limit.current;
    }
    limit.maximum
}
