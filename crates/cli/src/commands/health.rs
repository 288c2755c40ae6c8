//! `semel health`: for container health checks.

use std::{process::ExitCode, time::Duration};

use semel_client::Address;
use semel_server::serve::ServerFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Failure, Outcome, block_on, load};
use crate::args::SettingsArgs;

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds when the server says that it is ready.
pub(crate) fn run(settings: &SettingsArgs, url: Option<&str>) -> Outcome {
    let url = match url {
        Some(url) => url.to_owned(),
        None => running_server(settings)?,
    };
    let address: Address = url
        .parse()
        .map_err(|error| Failure::because(format!("`{url}` cannot be asked"), &error))?;
    let asked = block_on(async { tokio::time::timeout(PATIENCE, ask(&address)).await })?;
    match asked {
        Ok(Ok(200)) => Ok(ExitCode::SUCCESS),
        Ok(Ok(status)) => Err(Failure::new(format!("{url} is not ready: status {status}"))),
        Ok(Err(error)) => Err(Failure::because(format!("{url} does not answer"), &error)),
        Err(_) => Err(Failure::new(format!(
            "{url} does not answer within {PATIENCE:?}"
        ))),
    }
}

/// Whether a server answers at all, ready or not.
pub(crate) async fn answers(url: &str) -> bool {
    let Ok(address) = url.parse() else {
        return false;
    };
    matches!(
        tokio::time::timeout(PATIENCE, ask(&address)).await,
        Ok(Ok(_))
    )
}

fn running_server(settings: &SettingsArgs) -> Result<String, Failure> {
    let config = load(settings, vec![])?;
    let file = ServerFile::read(&config.data_dir)
        .map_err(|error| Failure::because("cannot read the data directory", &error))?;
    let none = || {
        format!(
            "no server runs on {}; start it, or say --url",
            config.data_dir.display()
        )
    };
    file.map(|file| file.url)
        .ok_or_else(|| Failure::new(none()))
}

async fn ask(address: &Address) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(&address.authority).await?;
    let request = format!(
        "GET /health/ready HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        address.authority
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let status = answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok());
    status.ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}
