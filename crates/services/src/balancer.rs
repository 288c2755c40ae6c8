//! `HAProxy` in front of several servers.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Port, Trouble,
    process::{Process, Slot},
};

/// The program; the second way is not in everybody's search path.
const PROGRAMS: [&str; 2] = ["haproxy", "/usr/sbin/haproxy"];

/// The settings that are shipped: what is tried here is what people run.
const SHIPPED: &str = include_str!("../../../deploy/haproxy.cfg");
/// How many servers they have lines for, and how such a line begins.
const SERVERS_SHIPPED: usize = 3;
const LAST_SERVER: &str = "server server-3 ";

/// Which server takes the next connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// The one with the fewest.
    LeastConnections,
    /// Each in its turn.
    RoundRobin,
}

/// Whether a caller stays with a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Affinity {
    /// Every request goes by itself; devices use WebSocket.
    None,
    /// Sessions of long polling stay by a cookie, which those over several servers need.
    Cookie,
}

/// How calls are spread.
#[derive(Clone, Copy, Debug)]
pub struct Balance {
    /// Which server is next.
    pub algorithm: Algorithm,
    /// Who stays where they are.
    pub affinity: Affinity,
}

/// A load balancer, which leaves out servers that are not ready. Dropping it ends it.
#[derive(Debug)]
pub struct Balancer {
    program: &'static str,
    directory: PathBuf,
    servers: Vec<SocketAddr>,
    affinity: Affinity,
    port: Port,
    /// For its page of figures.
    figures: Port,
    process: Slot,
}

impl Balancer {
    /// Starts one that gives each request to the server with the fewest, wherever the one before went. The directory takes
    /// its settings and its log.
    pub fn start(directory: &Path, servers: &[SocketAddr]) -> Result<Self, Trouble> {
        let balance = Balance {
            algorithm: Algorithm::LeastConnections,
            affinity: Affinity::None,
        };
        Self::start_with(directory, servers, balance)
    }

    /// Starts one that spreads calls as it is told.
    pub fn start_with(
        directory: &Path,
        servers: &[SocketAddr],
        balance: Balance,
    ) -> Result<Self, Trouble> {
        let is_there = |program: &&str| Command::new(program).arg("-v").output().is_ok();
        let program = PROGRAMS.into_iter().find(is_there);
        let program = program.ok_or_else(|| Trouble::Missing {
            part: "HAProxy",
            reason: "haproxy is not installed (apt install haproxy)".to_owned(),
        })?;
        let balancer = Self {
            program,
            directory: directory.to_owned(),
            servers: servers.to_vec(),
            affinity: balance.affinity,
            port: Port::reserve()?,
            figures: Port::reserve()?,
            process: Slot::new("HAProxy"),
        };
        let settings = settings(servers.len(), balance.algorithm);
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(balancer.settings(), settings))
            .map_err(Trouble::when("configure HAProxy"))?;
        balancer.restart()?;
        Ok(balancer)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its address for people and programs.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Kills it, and with it every connection through it. Nothing happens if it is dead already.
    pub fn kill(&self) -> Result<(), Trouble> {
        self.process.kill()
    }

    /// Starts it on the same port; kills it before if it runs.
    pub fn restart(&self) -> Result<(), Trouble> {
        self.kill()?;
        let mut command = Command::new(self.program);
        command.args(["-db", "-f"]).arg(self.settings());
        for (number, server) in (1..).zip(&self.servers) {
            command.env(format!("PROXY_SERVER_{number}"), server.to_string());
        }
        let polling = match self.affinity {
            Affinity::None => "off",
            Affinity::Cookie => "on",
        };
        command
            .env("PROXY_LISTEN", self.address().to_string())
            .env("PROXY_STATS", self.figures.address().to_string())
            .env("PROXY_POLLING", polling);
        let log = self.directory.join("haproxy.log");
        let is_ready = || TcpStream::connect(self.address()).is_ok();
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

    fn settings(&self) -> PathBuf {
        self.directory.join("haproxy.cfg")
    }
}

/// What is shipped, with lines for as many servers as there are.
fn settings(count: usize, algorithm: Algorithm) -> String {
    let mut lines = Vec::new();
    for line in SHIPPED.lines() {
        lines.push(line.to_owned());
        // The conditions around a server are those of the file: here it is there.
        if line.trim_start().starts_with(LAST_SERVER) {
            let more = SERVERS_SHIPPED + 1..=count;
            lines.extend(
                more.map(|number| line.replace(&SERVERS_SHIPPED.to_string(), &number.to_string())),
            );
        }
    }
    let text = lines.join("\n") + "\n";
    match algorithm {
        Algorithm::LeastConnections => text,
        Algorithm::RoundRobin => text.replace("balance leastconn", "balance roundrobin"),
    }
}
