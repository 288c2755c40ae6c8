//! Whether a connection is of use: on each part something is written and said, as it is done later.

use redis::{RedisResult, Script};

use super::{CHANNELS, Hints, Names, connection::Connection, message};

/// Writes, and says something to all who listen. In one, because rights in scripts are checked apart.
const TRY: &str = r"
redis.call('SET', KEYS[1], '', 'PX', 1000)
return redis.call('SPUBLISH', ARGV[1], ARGV[2])
";

/// Does everything once that nobody can do without. The message has no hints in it.
pub(super) async fn try_out(
    connection: &mut Connection,
    names: &Names,
    run: &str,
    at: u64,
) -> RedisResult<()> {
    let script = Script::new(TRY);
    let message = message::encode(run, at, Hints::default());
    for part in 0..CHANNELS {
        let mut call = script.prepare_invoke();
        call.key(names.key(part, "trial"))
            .arg(names.channel(part))
            .arg(&message);
        call.invoke_async::<()>(connection).await?;
    }
    Ok(())
}
