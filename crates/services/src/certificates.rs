//! Certificates that nobody else believes, made with `openssl`.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Trouble, account};

/// Kind of the keys, as `openssl req` has it.
const KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
];
/// A test is over by then.
const DAYS: [&str; 2] = ["-days", "2"];

/// Somebody who signs.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    name: String,
}

impl Authority {
    /// A new one, with its files in a directory under a name.
    pub fn make(directory: &Path, name: &str) -> Result<Self, Trouble> {
        if Command::new("openssl").arg("version").output().is_err() {
            return Err(Trouble::Missing {
                part: "TLS",
                reason: "openssl is not installed (apt install openssl)".to_owned(),
            });
        }
        fs::create_dir_all(directory).map_err(Trouble::when("make a directory"))?;
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let mut request = openssl(directory, &["req", "-x509"]);
        request.args(KEY).args(DAYS).arg("-subj");
        request.arg(format!("/CN={name}"));
        request.args(["-keyout", &key, "-out", &certificate]);
        account::run("make an authority", &mut request)?;
        Ok(Self {
            directory: directory.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The file of those who believe it.
    pub fn roots(&self) -> PathBuf {
        self.directory.join(format!("{}.pem", self.name))
    }

    /// Makes a certificate for a server at an address and signs it: the files of the certificate and of its key, which
    /// whoever runs database servers here may read, and nobody else.
    pub fn sign(&self, address: IpAddr) -> Result<(PathBuf, PathBuf), Trouble> {
        let doing = "make a certificate";
        let file = |ending: &str| self.directory.join(format!("server.{ending}"));
        let mut request = openssl(&self.directory, &["req", "-subj", "/CN=server"]);
        request.args(KEY).arg("-keyout").arg(file("key"));
        account::run(doing, request.arg("-out").arg(file("request")))?;
        let names = format!("subjectAltName=IP:{address}\n");
        fs::write(file("names"), names).map_err(Trouble::when(doing))?;
        let mut sign = openssl(&self.directory, &["x509", "-req", "-CAcreateserial"]);
        sign.args(DAYS).arg("-CA").arg(self.roots());
        sign.arg("-CAkey")
            .arg(self.directory.join(format!("{}.key", self.name)));
        sign.arg("-in").arg(file("request"));
        sign.arg("-extfile").arg(file("names"));
        account::run(doing, sign.arg("-out").arg(file("pem")))?;
        account::own(&file("key")).map_err(Trouble::when(doing))?;
        Ok((file("pem"), file("key")))
    }
}

fn openssl(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(directory).args(arguments);
    command
}
