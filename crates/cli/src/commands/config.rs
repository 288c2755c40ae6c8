//! `semel config print`.

use semel_server::config::Config;

use crate::output;

/// Prints every setting as TOML.
pub(crate) fn print(config: &Config) {
    for line in config.snapshot_with_sources() {
        output::result(format_args!("# {}", line.setting.help));
        output::result(format_args!("{line}\n"));
    }
}
