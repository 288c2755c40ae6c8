//! What a proxy does to what passes. All of it may be changed while connections are open.

use std::{fmt, ops::RangeInclusive, time::Duration};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Treatment of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// How late every piece is, at least.
    pub delay: Duration,
    /// How much later it may be. Pieces keep their order.
    pub jitter: Duration,
    /// Bytes that pass in a second; 0 for no limit.
    pub bytes_per_second: u64,
}

/// When something that was sent once is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// At once, beside the first.
    AtOnce,
    /// When the first was answered.
    AfterAnswer,
    /// After a time out of these bounds, whatever became of the first.
    After(RangeInclusive<Duration>),
}

/// Repeats: HTTP requests that are not `GET` on a connection of their own, Socket.IO events within their connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// How many in a thousand.
    pub per_mille: u16,
    /// When; one is drawn for each.
    pub when: Vec<Again>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// With RST, as when a machine has forgotten the connection.
    #[default]
    Reset,
    /// With FIN, as when a program ends.
    Finish,
}

/// A cut after an exact number of bytes of one direction, counted from the beginning of the connection, or from when
/// the rule came into force. It happens to each connection once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which bytes are counted.
    pub direction: Direction,
    /// How many pass; drawn for each connection.
    pub after_bytes: RangeInclusive<u64>,
    /// How both sides are told.
    pub ending: Ending,
}

/// What happens to connections. The default lets everything pass as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Client to server.
    pub up: Lane,
    /// Server to client.
    pub down: Lane,
    /// Nothing passes either way, and nobody is told; what waits passes later.
    pub is_silent: bool,
    /// New connections are reset at once.
    pub is_refusing: bool,
    /// Cut each connection once.
    pub cut: Option<Cut>,
    /// Send things twice.
    pub repeat: Option<Repeat>,
    /// How many in a thousand requests and events are passed on, their answers swallowed, and the connection closed.
    pub swallow_per_mille: u16,
}

impl Rules {
    /// Treatment of a direction.
    pub fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            up,
            down,
            is_silent,
            is_refusing,
            cut,
            repeat,
            swallow_per_mille,
        } = self;
        let mut parts = vec![];
        for (name, lane) in [("up", up), ("down", down)] {
            if !lane.delay.is_zero() || !lane.jitter.is_zero() {
                parts.push(format!(
                    "{name} late by {:?} to {:?}",
                    lane.delay,
                    lane.delay + lane.jitter
                ));
            }
            if lane.bytes_per_second > 0 {
                parts.push(format!("{name} {} bytes/s", lane.bytes_per_second));
            }
        }
        if *is_silent {
            parts.push("silent".to_owned());
        }
        if *is_refusing {
            parts.push("refusing".to_owned());
        }
        if let Some(Cut {
            direction,
            after_bytes,
            ending,
        }) = cut
        {
            let way = format!("{direction:?} {ending:?}").to_lowercase();
            let (least, most) = (after_bytes.start(), after_bytes.end());
            parts.push(format!("cut after {least} to {most} bytes ({way})"));
        }
        if let Some(Repeat { per_mille, .. }) = repeat {
            parts.push(format!("repeat {per_mille} ‰"));
        }
        if *swallow_per_mille > 0 {
            parts.push(format!("swallow {swallow_per_mille} ‰ of answers"));
        }
        write!(f, "{}", parts.join(", "))
    }
}
