//! What processes take of the machine: from `/proc`, on Linux only.

use std::{fs, io, ops::Sub};

use rustix::param::clock_ticks_per_second;

/// Processor time in seconds, by who took it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// The servers of Semel, together.
    pub(crate) servers: f64,
    /// `PostgreSQL` with everything it started.
    pub(crate) postgres: f64,
    /// Redis.
    pub(crate) redis: f64,
    /// This process: everybody's devices.
    pub(crate) generator: f64,
}

impl Cost {
    /// Everything that is no generator.
    pub(crate) fn of_service(&self) -> f64 {
        self.servers + self.postgres + self.redis
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            servers: self.servers - other.servers,
            postgres: self.postgres - other.postgres,
            redis: self.redis - other.redis,
            generator: self.generator - other.generator,
        }
    }
}

/// Processor time of a process since it began, in seconds; with that of its children that have ended.
pub(crate) fn of(pid: u32) -> io::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    seconds(&text).ok_or_else(|| io::Error::other("the system tells no times"))
}

/// The same with all its children, those that have ended as well.
pub(crate) fn of_family(pid: u32) -> io::Result<f64> {
    let mut sum = of(pid)?;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let children = fs::read_to_string(task?.path().join("children"))?;
        for child in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            // It may end meanwhile: then it counts with those that have ended the next time.
            sum += of(child).unwrap_or(0.0);
        }
    }
    Ok(sum)
}

/// Of the 14th to the 17th field: in user and system mode, its own and that of ended children.
fn seconds(stat: &str) -> Option<f64> {
    // After the name, which may have brackets itself.
    let fields = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(4);
    let ticks = fields.map(|field| field.parse::<u64>().ok());
    let ticks: Vec<u64> = ticks.collect::<Option<_>>()?;
    let ticks = (ticks.len() == 4).then(|| ticks.iter().sum::<u64>())?;
    Some(ticks as f64 / clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_brackets() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0";
        let ticks = clock_ticks_per_second() as f64;
        assert_eq!(seconds(stat), Some(127.0 / ticks));
        assert_eq!(seconds("7 (a) S 1"), None);
    }

    #[test]
    fn work_is_seen() {
        let before = of(std::process::id()).unwrap();
        let begin = std::time::Instant::now();
        while of_family(std::process::id()).unwrap() - before < 0.05 {
            assert!(begin.elapsed().as_secs() < 60, "no work is seen");
        }
    }
}
