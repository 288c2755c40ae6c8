//! Who is here, over all servers: a line for each device that ends by itself, and scripts that count people's devices.
//!
//! Devices are spread over a few parts by person; the keys of a part live on one node of a cluster:
//! `…:devices` has a line for each device with the time at which it ends, `…:count` how many a person has, `…:seen` when
//! the last one went. The server of a device prolongs its line; lines that nobody prolongs are taken away by whichever
//! server looks first. Whoever makes a count leave or reach zero tells everybody, inside the script: so it is told once,
//! and in the order in which it happened.
//!
//! Invariant: a line and its count change in one script. What is lost with Redis comes back when lines are prolonged.

use std::{collections::BTreeMap, time::Duration};

use redis::{RedisResult, Script};
use semel_protocol::{Timestamp, UserId};

use super::{
    super::{State, channel_of},
    CHANNELS, Names,
    connection::Connection,
};

/// Devices that one script handles: Redis does nothing else meanwhile.
const DEVICES_PER_SCRIPT: usize = 200;
/// People of one part whose last visit is remembered.
const SEEN_MAX: usize = 100_000;
/// Keys that nobody uses any more go after so long.
const KEYS_LAST: Duration = Duration::from_hours(24);
const SEEN_LASTS: Duration = Duration::from_hours(24 * 90);

const CAME: &str = r"
local t = redis.call('TIME')
local ends = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2]
local online = {}
for i = 4, #ARGV do
  if redis.call('ZADD', KEYS[1], ends, ARGV[i]) == 1 then
    local who = string.match(ARGV[i], '^[^ ]+ (.*)$')
    if redis.call('HINCRBY', KEYS[2], who, 1) == 1 then online[#online + 1] = who end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if #online > 0 then redis.call('SPUBLISH', ARGV[1], cjson.encode({online = online})) end
return #online
";

/// Takes away the lines that are named, or without names those that have ended.
const WENT: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lines, ended = {}, #ARGV == 6
if ended then
  lines = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[3])
else
  for i = 7, #ARGV do lines[#lines + 1] = ARGV[i] end
end
local offline = {}
for _, line in ipairs(lines) do
  local seen = now
  if ended then seen = redis.call('ZSCORE', KEYS[1], line) - ARGV[2] end
  if redis.call('ZREM', KEYS[1], line) == 1 then
    local who = string.match(line, '^[^ ]+ (.*)$')
    if redis.call('HINCRBY', KEYS[2], who, -1) <= 0 then
      redis.call('HDEL', KEYS[2], who)
      redis.call('ZADD', KEYS[3], 'GT', seen, who)
      offline[#offline + 1] = {who, string.format('%.0f', seen)}
    end
  end
end
if #offline > 0 then
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[4])
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
  redis.call('SPUBLISH', ARGV[1], cjson.encode({offline = offline}))
end
return #lines
";

const STATES: &str = r"
local states = {}
for i, who in ipairs(ARGV) do
  states[2 * i - 1] = redis.call('HEXISTS', KEYS[1], who)
  states[2 * i] = redis.call('ZSCORE', KEYS[2], who) or ''
end
return states
";

/// The scripts, and what they work on.
pub(super) struct Presence {
    names: Names,
    ends_after: Duration,
    came: Script,
    went: Script,
    states: Script,
}

impl Presence {
    pub(super) fn new(names: Names, ends_after: Duration) -> Self {
        Self {
            names,
            ends_after,
            came: Script::new(CAME),
            went: Script::new(WENT),
            states: Script::new(STATES),
        }
    }

    pub(super) fn channel(&self, n: usize) -> String {
        self.names.channel(n)
    }

    /// Adds devices, or prolongs them.
    pub(super) async fn come(
        &self,
        connection: &mut Connection,
        lines: impl IntoIterator<Item = Line>,
    ) -> RedisResult<()> {
        for (part, lines) in by_part(lines) {
            for lines in lines.chunks(DEVICES_PER_SCRIPT) {
                let mut call = self.came.prepare_invoke();
                call.key(self.names.key(part, "devices"))
                    .key(self.names.key(part, "count"))
                    .arg(self.names.channel(part))
                    .arg(millis(self.ends_after))
                    .arg(millis(KEYS_LAST))
                    .arg(lines);
                call.invoke_async::<()>(connection).await?;
            }
        }
        Ok(())
    }

    /// Takes devices away.
    pub(super) async fn go(
        &self,
        connection: &mut Connection,
        lines: impl IntoIterator<Item = Line>,
    ) -> RedisResult<()> {
        for (part, lines) in by_part(lines) {
            for lines in lines.chunks(DEVICES_PER_SCRIPT) {
                self.take_away(connection, part, lines).await?;
            }
        }
        Ok(())
    }

    /// Takes away the devices of servers that have died.
    pub(super) async fn sweep(&self, connection: &mut Connection) -> RedisResult<()> {
        for part in 0..CHANNELS {
            while self.take_away(connection, part, &[]).await? == DEVICES_PER_SCRIPT {}
        }
        Ok(())
    }

    async fn take_away(
        &self,
        connection: &mut Connection,
        part: usize,
        lines: &[String],
    ) -> RedisResult<usize> {
        let mut call = self.went.prepare_invoke();
        call.key(self.names.key(part, "devices"))
            .key(self.names.key(part, "count"))
            .key(self.names.key(part, "seen"))
            .arg(self.names.channel(part))
            .arg(millis(self.ends_after))
            .arg(DEVICES_PER_SCRIPT)
            .arg(SEEN_MAX)
            .arg(millis(KEYS_LAST))
            .arg(millis(SEEN_LASTS))
            .arg(lines);
        call.invoke_async(connection).await
    }

    /// People's states.
    pub(super) async fn states(
        &self,
        connection: &mut Connection,
        whom: &[UserId],
    ) -> RedisResult<Vec<State>> {
        let mut parts: BTreeMap<usize, Vec<&UserId>> = BTreeMap::new();
        for who in whom {
            parts.entry(part_of(who)).or_default().push(who);
        }
        let mut states = Vec::with_capacity(whom.len());
        for (part, people) in parts {
            let mut call = self.states.prepare_invoke();
            call.key(self.names.key(part, "count"))
                .key(self.names.key(part, "seen"));
            for who in &people {
                call.arg(who.as_str());
            }
            let answer: Vec<String> = call.invoke_async(connection).await?;
            for (who, state) in people.into_iter().zip(answer.chunks(2)) {
                let online = state[0] == "1";
                let seen = state.get(1).and_then(|seen| seen.parse::<f64>().ok());
                states.push(State {
                    who: who.clone(),
                    online,
                    last_seen_at: seen.filter(|_| !online).map(|at| Timestamp(at as i64)),
                });
            }
        }
        Ok(states)
    }
}

/// The line of a device: `RUN/NUMBER PERSON`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    part: usize,
    text: String,
}

impl Line {
    pub(super) fn new(run: &str, number: u64, who: &UserId) -> Self {
        Self {
            part: part_of(who),
            text: format!("{run}/{number} {who}"),
        }
    }
}

fn part_of(who: &UserId) -> usize {
    channel_of(who.as_str().as_bytes(), CHANNELS)
}

fn by_part(lines: impl IntoIterator<Item = Line>) -> BTreeMap<usize, Vec<String>> {
    let mut parts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for line in lines {
        parts.entry(line.part).or_default().push(line.text);
    }
    parts
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}
