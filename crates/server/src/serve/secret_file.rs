//! The signing secret: from the settings, or a file in the data directory that is made when it is missing.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use semel_core::ports::Entropy;

use crate::config::{Config, Secret};

const NAME: &str = "secret";

/// The secret that signs tokens.
pub(super) fn signing_secret(config: &Config, entropy: &dyn Entropy) -> io::Result<Secret> {
    if let Some(secret) = &config.jwt_secret_key {
        return Ok(secret.clone());
    }
    let directory = &config.data_dir;
    data_directory(directory).map_err(at(directory))?;
    let path = directory.join(NAME);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(directory, &path, entropy).map_err(at(directory))?;
            read(&path)
        }
        other => other,
    }
}

/// Whether there is a secret already, in the settings or in the data directory.
pub(super) fn is_there(config: &Config) -> bool {
    config.jwt_secret_key.is_some() || config.data_dir.join(NAME).exists()
}

/// An error that says where.
fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Makes the data directory, for this user alone; one that is there keeps its permissions.
pub(super) fn data_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn read(path: &Path) -> io::Result<Secret> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    let mode = fs::metadata(path).map_err(at(path))?;
    let mode = mode.permissions().mode();
    if mode & 0o077 != 0 {
        let advice = format!(
            "others may read {0}; mend it with `chmod 600 {0}`",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, advice));
    }
    if text.trim().len() < 32 {
        let advice = format!(
            "{} is too short; remove it, and a new one is made",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, advice));
    }
    Ok(Secret::new(text.trim()))
}

/// Written whole under another name first: whoever comes at the same moment sees all of it or nothing, and the first
/// one stays.
fn make(directory: &Path, path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let draft = directory.join(format!(".secret-{:032x}", entropy.seed()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(file, "{:032x}{:032x}", entropy.seed(), entropy.seed())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => fs::File::open(directory)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SystemEntropy;

    #[test]
    fn a_secret_is_made_once_for_this_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::for_directory(&directory.path().join("new"));
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| signing_secret(&config, &SystemEntropy).unwrap()))
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(secrets[0].expose().len(), 64);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&config.data_dir.join(NAME)), 0o600);
        assert_eq!(mode(&config.data_dir), 0o700);
        let files = fs::read_dir(&config.data_dir).unwrap().count();
        assert_eq!(files, 1, "drafts are left behind");
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::for_directory(directory.path());
        signing_secret(&config, &SystemEntropy).unwrap();
        let path = directory.path().join(NAME);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = signing_secret(&config, &SystemEntropy).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
