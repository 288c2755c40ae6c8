//! Logs: to stderr, for people or as JSON.

use semel_server::config::{Config, LogFormat};
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Begins to log.
pub(crate) fn start(config: &Config) {
    let filter: Targets = config
        .log_filter
        .parse()
        .expect("the settings were checked");
    // A line that cannot be written, because the disk is full, is given up. Telling that to the same stderr, as the
    // library would, panics and takes a thread of the server down.
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let layer = match config.log_format {
        LogFormat::Text => {
            let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(is_terminal).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .init();
}
