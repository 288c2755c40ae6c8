//! Who runs what root may not run.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use crate::Trouble;

/// Somebody who may run a database server, where this user may not.
pub(crate) fn account() -> Option<&'static str> {
    let is_root = rustix::process::geteuid().is_root();
    let people = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = people.lines();
    let has_own = lines.any(|line| line.starts_with("postgres:"));
    is_root.then_some(if has_own { "postgres" } else { "nobody" })
}

/// A command that is run by whoever may.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let Some(account) = account() else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", account, "--regid", account, "--clear-groups"])
        .arg(program.as_ref());
    command
}

/// Makes a directory that belongs to whoever runs the server, and that they get to.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    let Some(account) = account() else {
        return Ok(());
    };
    output(Command::new("chown").arg(account).arg(path))?;
    open_way(path)
}

/// Lets others come to what is there. Directories for temporary files are their owner's only.
fn open_way(path: &Path) -> io::Result<()> {
    let temporary = env::temp_dir();
    let above = path.ancestors().skip(1);
    for folder in above.take_while(|folder| *folder != temporary && folder.starts_with(&temporary))
    {
        let mode = fs::metadata(folder)?.permissions().mode();
        if mode & 0o001 == 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o011))?;
        }
    }
    Ok(())
}

/// Gives a file to whoever runs the server, and to nobody else. They get to it.
pub(crate) fn own(file: &Path) -> io::Result<()> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    let Some(account) = account() else {
        return Ok(());
    };
    output(Command::new("chown").arg(account).arg(file)).map(drop)?;
    open_way(file)
}

/// Runs a command to its end. Its failure is an error that tells what it said.
pub(crate) fn output(command: &mut Command) -> io::Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{} ended with {}: {}",
        command.get_program().display(),
        output.status,
        said.trim()
    )))
}

/// The same, as trouble.
pub(crate) fn run(doing: &str, command: &mut Command) -> Result<String, Trouble> {
    let output = output(command).map_err(Trouble::when(doing))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
