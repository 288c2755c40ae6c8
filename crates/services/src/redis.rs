//! Redis, or what speaks like it.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    Port, Trouble,
    process::{Process, Slot},
};

/// The program. Another one that speaks the same (Valkey) may be named.
const PROGRAM_VARIABLE: &str = "SEMEL_TEST_REDIS_SERVER";
/// How long an answer may take: longer than anybody lets it sleep.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A Redis that keeps nothing on disk. Dropping it ends it.
#[derive(Debug)]
pub struct Redis {
    directory: PathBuf,
    port: Port,
    /// The file of a sentinel.
    settings: Option<PathBuf>,
    arguments: Vec<String>,
    process: Slot,
}

impl Redis {
    /// Starts one. The directory takes its log.
    pub fn start(directory: &Path) -> Result<Self, Trouble> {
        Self::start_with(directory, &[])
    }

    /// Starts one with more arguments.
    pub fn start_with(directory: &Path, more: &[&str]) -> Result<Self, Trouble> {
        // Nothing is stored; the commands that tests break it with are allowed.
        let own = [
            "--save",
            "",
            "--appendonly",
            "no",
            "--enable-debug-command",
            "local",
        ];
        let arguments = own.iter().chain(more);
        Self::run(
            directory,
            None,
            arguments.map(|&word| word.to_owned()).collect(),
        )
    }

    /// A sentinel that watches a Redis under a name.
    pub fn sentinel(directory: &Path, service: &str, primary: &Self) -> Result<Self, Trouble> {
        let file = directory.join("sentinel.conf");
        let line = format!(
            "sentinel monitor {service} 127.0.0.1 {} 1\n",
            primary.port.number()
        );
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&file, line))
            .map_err(Trouble::when("configure a sentinel"))?;
        Self::run(directory, Some(file), vec!["--sentinel".to_owned()])
    }

    fn run(
        directory: &Path,
        settings: Option<PathBuf>,
        arguments: Vec<String>,
    ) -> Result<Self, Trouble> {
        if Command::new(program()).arg("--version").output().is_err() {
            return Err(Trouble::Missing {
                part: "Redis",
                reason: format!(
                    "{} is not installed (apt install redis-server, or name another with {PROGRAM_VARIABLE})",
                    program()
                ),
            });
        }
        fs::create_dir_all(directory).map_err(Trouble::when("make a directory for Redis"))?;
        let redis = Self {
            directory: directory.to_owned(),
            port: Port::reserve()?,
            settings,
            arguments,
            process: Slot::new("Redis"),
        };
        redis.restart()?;
        Ok(redis)
    }

    /// Its address for settings.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Kills it; what it had is gone. Nothing happens if it is dead already.
    pub fn kill(&self) -> Result<(), Trouble> {
        self.process.kill()
    }

    /// Starts it on the same port, empty; kills it before if it runs.
    pub fn restart(&self) -> Result<(), Trouble> {
        self.kill()?;
        let mut command = Command::new(program());
        // A file with settings has to be the first.
        command
            .args(&self.settings)
            .args(["--bind", "127.0.0.1", "--port"])
            .arg(self.port.number().to_string())
            .arg("--dir")
            .arg(&self.directory)
            .args(&self.arguments);
        let log = self.directory.join("redis.log");
        let is_ready = || self.command(&["PING"]).is_ok_and(|answer| answer == "PONG");
        self.process.launch(&command, &log, is_ready)
    }

    /// Stops it where it stands, as a machine that hangs; connections stay open.
    pub fn pause(&self) -> Result<(), Trouble> {
        self.process.act("pause", Process::pause)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<(), Trouble> {
        self.process.act("resume", Process::resume)
    }

    /// Gives a command, word by word; its answer as text, lists with a line for each member. An error that Redis tells is
    /// trouble.
    pub fn command(&self, words: &[&str]) -> Result<String, Trouble> {
        let ask = || {
            let mut stream = TcpStream::connect(self.address())?;
            stream.set_read_timeout(Some(ANSWER_MAX))?;
            let words = words
                .iter()
                .map(|word| format!("${}\r\n{word}\r\n", word.len()));
            let words: Vec<String> = words.collect();
            stream.write_all(format!("*{}\r\n{}", words.len(), words.concat()).as_bytes())?;
            answer(&mut BufReader::new(stream))
        };
        ask().map_err(Trouble::when(format!("ask Redis {words:?}")))
    }
}

fn program() -> String {
    env::var(PROGRAM_VARIABLE).unwrap_or_else(|_| "redis-server".to_owned())
}

/// Reads one answer of the protocol of Redis (RESP 2).
fn answer(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let strange = || io::Error::other(format!("a strange answer: {line}"));
    let (kind, rest) = line.split_at_checked(1).ok_or_else(strange)?;
    let count = || rest.parse::<i64>().map_err(|_| strange());
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "-" => Err(io::Error::other(rest.to_owned())),
        "$" => {
            // -1 is nothing.
            let Ok(bytes) = usize::try_from(count()?) else {
                return Ok(String::new());
            };
            let mut text = vec![0; bytes + 2];
            stream.read_exact(&mut text)?;
            text.truncate(bytes);
            String::from_utf8(text).map_err(io::Error::other)
        }
        "*" => {
            let members = (0..count()?).map(|_| answer(stream));
            Ok(members.collect::<io::Result<Vec<_>>>()?.join("\n"))
        }
        _ => Err(strange()),
    }
}
