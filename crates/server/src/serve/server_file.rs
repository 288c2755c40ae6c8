//! `server.json`: where the server on a data directory listens, for the commands beside it.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

const NAME: &str = "server.json";

/// Where the server on a data directory listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    /// Address for people and programs, `http://host:port`.
    pub url: String,
    /// Address of metrics, if any.
    pub metrics_url: Option<String>,
    /// Name of the server.
    pub server_id: String,
    /// Process.
    pub pid: u32,
}

impl ServerFile {
    /// The file of a data directory; none if no server wrote one. A server that was killed leaves it behind: whether
    /// one runs is known only by asking it.
    pub fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(data_dir.join(NAME)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io::Error::new(
                error.kind(),
                format!("{}: {error}", data_dir.join(NAME).display()),
            )),
        }
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, data_dir: &Path) -> io::Result<()> {
        let draft = data_dir.join(".server.json");
        fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
        fs::rename(draft, data_dir.join(NAME))
    }

    /// Removes it, best effort: a file that stays behind is only a wrong hint.
    pub(super) fn remove(data_dir: &Path) {
        let _ = fs::remove_file(data_dir.join(NAME));
    }
}
