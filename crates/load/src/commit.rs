//! Which program was run.

use std::process::Command;

/// The commit of the working tree, with a plus if something in it is not committed. To be asked when a run begins: the
/// tree may be another one when it ends.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let plus = if changed.is_some_and(|changed| changed.is_empty()) {
        ""
    } else {
        "+"
    };
    format!("{commit}{plus}")
}
