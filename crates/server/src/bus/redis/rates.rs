//! Windows of rate limits that all servers share: for each the time at which it is empty, which ends by itself.

use std::collections::BTreeMap;

use redis::{RedisResult, Script};

use super::{super::channel_of, CHANNELS, Names, connection::Connection};
use crate::limits::Used;

/// Moves windows on, and answers how many microseconds each is ahead of now.
const SHARE: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local ahead = {}
for i, key in ipairs(KEYS) do
  local at = tonumber(redis.call('GET', key) or '0')
  if at < now then at = now end
  at = at + tonumber(ARGV[i])
  ahead[i] = string.format('%.0f', at - now)
  redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000) + 1000)
end
return ahead
";

/// Tells what was used, and answers what all servers used, in the same order.
pub(super) async fn share(
    connection: &mut Connection,
    names: &Names,
    used: &[Used],
) -> RedisResult<Vec<u64>> {
    let script = Script::new(SHARE);
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, used) in used.iter().enumerate() {
        let part = channel_of(used.name.as_bytes(), CHANNELS);
        parts.entry(part).or_default().push(n);
    }
    let mut all = vec![0; used.len()];
    for (part, places) in parts {
        let mut call = script.prepare_invoke();
        for &n in &places {
            call.key(names.key(part, &format!("rate:{}", used[n].name)))
                .arg(used[n].micros);
        }
        let ahead: Vec<u64> = call.invoke_async(connection).await?;
        for (n, ahead) in places.into_iter().zip(ahead) {
            all[n] = ahead;
        }
    }
    Ok(all)
}
