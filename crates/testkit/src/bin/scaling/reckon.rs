//! What 1, 10 and 100 million people would need, reckoned from measured figures and stated assumptions.

use std::fmt::Write as _;

use crate::{Result, figures::shown};

/// People for whom it is reckoned.
const PEOPLE: [f64; 3] = [1e6, 1e7, 1e8];
const SECONDS_PER_DAY: f64 = 86_400.0;
const DAYS_PER_YEAR: f64 = 365.0;
const KIB: f64 = 1024.0;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const TERA: f64 = 1e12;
/// How often a server looks, if looks are short: `look_seconds`.
const LOOK_SECONDS: f64 = 2.0;
/// A look rests nine times as long as it took.
const LOOK_SHARE: f64 = 0.1;
/// Threads of the look that was measured.
const LOOK_THREADS: f64 = 10_000.0;

macro_rules! assumptions {
    ($($name:ident $value:literal $text:literal,)*) => {
        $(const $name: f64 = $value;)*
        /// All of them: what, and how much.
        const ASSUMPTIONS: &[(&str, f64)] = &[$(($text, $name),)*];
    };
}

assumptions! {
    MESSAGES_PER_DAY 40.0 "messages that a person writes in a day",
    PEAK 3.0 "messages in a second at the peak, for one in the mean of the day",
    ONLINE 0.2 "share of people who are online at the peak",
    DEVICES 1.3 "devices of a person who is online",
    REACHED 8.9 "people in the thread of a message: 70 % of messages in threads of 2, 25 % of 10, 5 % of 100",
    FOLLOWED 50.0 "threads of a person, none of them counted twice: more than there are",
    SERVER_CORES 8.0 "cores of a server",
    SERVER_GIB 16.0 "GiB of a server's memory for connections",
    SHARD_CORES 32.0 "cores of a PostgreSQL server",
    SHARD_TERABYTES 8.0 "TB that are kept on a PostgreSQL server",
    BUSY 0.5 "share of a core that is used at the peak",
}

macro_rules! measured {
    ($($(#[$doc:meta])* $field:ident $name:literal $text:literal,)*) => {
        /// What was measured, as far as it is reckoned with.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(crate) struct Measured {
            $($(#[$doc])* $field: f64,)*
        }

        impl Measured {
            /// Names of figures, with what they are.
            pub(crate) const NAMES: &'static [(&'static str, &'static str)] = &[$(($name, $text),)*];

            /// From figures as tables show them.
            pub(crate) fn from(figure: impl Fn(&str) -> Result<f64>) -> Result<Self> {
                Ok(Self { $($field: figure($name)?,)* })
            }
        }
    };
}

measured! {
    /// Seconds.
    server "postgres_3.pairs.cpu_servers" "processor seconds of the servers for 1,000 messages that reach two devices",
    /// Seconds.
    delivery "postgres_3.group.cpu_servers" "processor seconds of the servers for 1,000 deliveries in a group",
    /// Seconds.
    postgres "postgres_3.pairs.cpu_postgres" "processor seconds of PostgreSQL for 1,000 messages",
    /// Seconds.
    redis "postgres_3.pairs.cpu_redis" "processor seconds of Redis for 1,000 messages",
    stored_bytes "postgres_3.stored_bytes" "bytes stored for a message, indexes and rows of threads included",
    log_bytes "postgres_3.log_bytes" "bytes of PostgreSQL's write-ahead log for a message",
    connection_kib "sqlite.idle.connection_kib" "KiB of a server's memory for a connection",
    /// Seconds.
    presence "postgres_3.idle.cpu_servers" "processor seconds of the servers for 1,000 connections in a second in which nothing happens",
    /// Milliseconds.
    look "look.10000.milliseconds" "milliseconds of a look at 10,000 threads",
    /// Seconds.
    look_postgres "look.10000.cpu_postgres" "processor seconds of PostgreSQL in a second, for a server that follows 10,000 threads",
}

/// One line of the table.
type Line = (&'static str, [f64; PEOPLE.len()]);

impl Measured {
    fn lines(&self) -> Vec<Line> {
        let each = |what: &dyn Fn(f64) -> f64| PEOPLE.map(what);
        let mean = |people: f64| people * MESSAGES_PER_DAY / SECONDS_PER_DAY;
        let peak = |people: f64| mean(people) * PEAK;
        // The sender's own device has it as well.
        let devices = |people: f64| peak(people) * (1.0 + (REACHED - 1.0) * ONLINE * DEVICES);
        let connections = |people: f64| people * ONLINE * DEVICES;
        let cores_of_servers = |people: f64| {
            let deliveries = (devices(people) - 2.0 * peak(people)).max(0.0);
            let thousands = peak(people) * self.server + deliveries * self.delivery;
            (thousands + connections(people) * self.presence) / 1_000.0 / BUSY
        };
        let by_cores = |people: f64| (cores_of_servers(people) / SERVER_CORES).ceil();
        let by_memory = |people: f64| {
            (connections(people) * self.connection_kib * KIB / SERVER_GIB / GIB).ceil()
        };
        let servers = |people: f64| by_cores(people).max(by_memory(people));
        let followed = |people: f64| people * ONLINE * FOLLOWED / servers(people);
        let look = |people: f64| self.look / 1_000.0 * followed(people) / LOOK_THREADS;
        let look_every = |people: f64| (look(people) / LOOK_SHARE).max(LOOK_SECONDS);
        let looks = |people: f64| {
            let measured_every = (self.look / 1_000.0 / LOOK_SHARE).max(LOOK_SECONDS);
            let one = self.look_postgres * measured_every * followed(people) / LOOK_THREADS;
            servers(people) * one / look_every(people) / BUSY
        };
        let stored =
            |people: f64| people * MESSAGES_PER_DAY * DAYS_PER_YEAR * self.stored_bytes / TERA;
        let cores = |people: f64| peak(people) * self.postgres / 1_000.0 / BUSY + looks(people);
        let shards = |people: f64| {
            let by_cores = (cores(people) / SHARD_CORES).ceil();
            by_cores.max((stored(people) / SHARD_TERABYTES).ceil())
        };
        let redis = |people: f64| peak(people) * self.redis / 1_000.0 / BUSY;
        vec![
            ("messages/s, mean of the day", each(&mean)),
            ("messages/s at the peak", each(&peak)),
            ("deliveries/s at the peak", each(&devices)),
            ("connections at the peak", each(&connections)),
            ("stored in a year, TB, one copy", each(&stored)),
            (
                "write-ahead log at the peak, MB/s",
                each(&|it| peak(it) * self.log_bytes / 1e6),
            ),
            ("cores of servers", each(&cores_of_servers)),
            ("servers, by their cores", each(&by_cores)),
            ("servers, by their memory", each(&by_memory)),
            ("hints/s at the peak, at most", each(&peak)),
            ("cores of Redis, for what is told once", each(&redis)),
            ("threads that a server follows, at most", each(&followed)),
            ("seconds between looks of a server", each(&look_every)),
            ("cores of PostgreSQL for looks", each(&looks)),
            ("cores of PostgreSQL, all in all", each(&cores)),
            ("shards, a year of messages on them", each(&shards)),
        ]
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text =
            "| people | 1 million | 10 million | 100 million |\n|---|--:|--:|--:|\n".to_owned();
        for (name, values) in self.lines() {
            let [one, ten, hundred] = values.map(shown);
            // Writing into a string does not fail.
            let _ = writeln!(text, "| {name} | {one} | {ten} | {hundred} |");
        }
        text
    }
}

/// What is assumed, in Markdown.
pub(crate) fn assumptions() -> String {
    let mut text = "| assumed | |\n|---|--:|\n".to_owned();
    for (what, value) in ASSUMPTIONS {
        let _ = writeln!(text, "| {what} | {} |", plain(*value));
    }
    text
}

/// Without digits that say nothing.
fn plain(value: f64) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ones() -> Measured {
        Measured::from(|_| Ok(1.0)).unwrap()
    }

    fn line(measured: &Measured, name: &str) -> [f64; 3] {
        let lines = measured.lines();
        lines.iter().find(|(it, _)| *it == name).expect(name).1
    }

    #[test]
    fn ten_times_the_people_are_ten_times_the_messages() {
        let one = ones();
        let [few, more, most] = line(&one, "messages/s at the peak");
        assert!((few - 1_388.888).abs() < 0.1 && (more / few - 10.0).abs() < 1e-9);
        assert!((most / more - 10.0).abs() < 1e-9);
        let stored = line(&one, "stored in a year, TB, one copy");
        assert!(
            (stored[0] - 0.0146).abs() < 1e-9,
            "40 messages × 365 days × 1 byte × 1,000,000"
        );
    }

    #[test]
    fn what_is_scarcer_decides_how_many_servers_and_shards_there_are() {
        let heavy = Measured {
            connection_kib: 10_000.0,
            ..ones()
        };
        assert!(
            line(&heavy, "servers, by their memory")[0]
                > line(&heavy, "servers, by their cores")[0]
        );
        let wide = Measured {
            stored_bytes: 1e6,
            postgres: 0.0,
            look_postgres: 0.0,
            ..ones()
        };
        let shards = line(&wide, "shards, a year of messages on them");
        assert!((shards[0] - (14_600.0_f64 / SHARD_TERABYTES).ceil()).abs() < 1e-9);
    }

    #[test]
    fn looks_rest_when_they_take_long() {
        let slow = Measured {
            look: 10_000.0,
            ..ones()
        };
        assert!(line(&slow, "seconds between looks of a server")[0] > LOOK_SECONDS);
        let quick = Measured {
            look: 0.001,
            ..ones()
        };
        assert!((line(&quick, "seconds between looks of a server")[0] - LOOK_SECONDS).abs() < 1e-9);
    }
}
