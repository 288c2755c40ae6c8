//! What servers and Redis count.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::Result;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Counters by name; what is counted under several labels is added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(BTreeMap<String, f64>);

impl Counts {
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, value) in &other.0 {
            *self.0.entry(name.clone()).or_default() += value;
        }
    }

    /// How much more than before.
    pub(crate) fn since(&self, before: &Self, name: &str) -> f64 {
        self.get(name) - before.get(name)
    }

    fn parse(text: &str) -> Self {
        let mut counts = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let name = name.split('{').next().unwrap_or(name);
            if let Ok(value) = value.parse::<f64>() {
                *counts.0.entry(name.to_owned()).or_default() += value;
            }
        }
        counts
    }
}

/// The counters of the server on a data directory.
pub(crate) async fn read(data_dir: &Path) -> Result<Counts> {
    let note: Value = serde_json::from_slice(&fs::read(data_dir.join("server.json"))?)?;
    let url = note["metrics_url"]
        .as_str()
        .ok_or("the server has no metrics")?;
    let place = url.trim_start_matches("http://");
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let mut stream = TcpStream::connect(authority).await?;
    let call = format!("GET /{path} HTTP/1.0\r\nhost: {authority}\r\n\r\n");
    stream.write_all(call.as_bytes()).await?;
    let mut text = String::new();
    timeout(ANSWER_MAX, stream.read_to_string(&mut text)).await??;
    Ok(Counts::parse(&text))
}

/// How often a command was called, from Redis' `INFO commandstats`.
pub(crate) fn redis_calls(info: &str, command: &str) -> f64 {
    let start = format!("cmdstat_{command}:calls=");
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix(start.as_str()));
    let calls = line.and_then(|line| line.split(',').next()?.parse().ok());
    calls.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_several_labels_are_added_up() {
        let text =
            "HTTP/1.0 200 OK\r\n\r\n# TYPE a counter\na{x=\"1\"} 2\na{x=\"2 3\"} 3\nb 0.5\nno\n";
        let mut counts = Counts::parse(text);
        assert_eq!(
            (counts.get("a"), counts.get("b"), counts.get("c")),
            (5.0, 0.5, 0.0)
        );
        let before = counts.clone();
        counts.add(&before);
        assert_eq!(counts.since(&before, "a") as u64, 5);
    }

    #[test]
    fn calls_of_a_redis_command_are_found() {
        let info = "cmdstat_spublish:calls=12,usec=3\r\ncmdstat_get:calls=4,usec=1\r\n";
        let calls = ["spublish", "get", "set"].map(|command| redis_calls(info, command) as u64);
        assert_eq!(calls, [12, 4, 0]);
    }
}
