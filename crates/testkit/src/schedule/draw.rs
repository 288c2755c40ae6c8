//! How long a fault of a kind lasts, and how bad it is.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    Dice,
    faults::{Broken, Fault, Found, Kind, Old, Outage, Store},
    proxy::{Again, Cut, Direction, Ending, Lane, Repeat, Rules},
};

/// Bytes in a second that hardly suffice.
const NARROW_BYTES: RangeInclusive<u64> = 20_000..=200_000;
/// Bytes in a second of somebody who reads much more slowly than others write.
const SLOW_READER_BYTES: RangeInclusive<u64> = 500..=5_000;
/// Bytes after which connections are cut: within handshakes, requests and batches.
const CUT_BYTES: RangeInclusive<u64> = 0..=40_000;
/// Clients that crash at once.
const CRASHES: RangeInclusive<u64> = 1..=3;
/// Jumps of clocks, in seconds.
const JUMPS: &[i64] = &[3_600, -3_600, 86_400, -86_400, 1, -1, 90, -90];
/// Microseconds that a sync takes longer.
const SYNC_DELAY_MICROS: RangeInclusive<u64> = 5_000..=200_000;

/// Milliseconds for which Redis keeps everybody waiting.
const HELD_MILLIS: RangeInclusive<u64> = 200..=3_000;
/// Milliseconds by which a way is slow, in each direction.
const LATE_MILLIS: RangeInclusive<u64> = 1..=50;
/// Tables without which servers cannot write, or read.
const TABLES: &[&str] = &["threads", "log", "leases", "answers", "client_ids"];

/// Least and greatest length.
pub(super) fn lengths(kind: Kind, servers: usize) -> RangeInclusive<Duration> {
    let (least, most) = match kind {
        // Long enough for clients to go to another one.
        Kind::Kill | Kind::Restart if servers > 1 => (0, 2_000),
        Kind::Pause if servers > 1 => (50, 4_000),
        Kind::Kill | Kind::PowerCut | Kind::Restart => (0, 60),
        Kind::Pause => (50, 2_500),
        Kind::FullDisk | Kind::SyncErrors => (200, 1_500),
        Kind::SlowSyncs => (300, 1_500),
        // A clock is looked at anew once a second.
        Kind::ClockJump | Kind::ClockDrift => (1_100, 3_000),
        Kind::HalfOpen => (200, 3_000),
        Kind::Disconnect
        | Kind::ClientCrash
        | Kind::RedisFlush
        | Kind::RedisHangUp
        | Kind::RedisSleep => (0, 0),
        Kind::Refusal => (50, 500),
        Kind::Silence => (100, 2_500),
        Kind::Lateness
        | Kind::Narrowness
        | Kind::SlowReaders
        | Kind::Cuts
        | Kind::Repeats
        | Kind::LostAnswers
        | Kind::LockedTable
        | Kind::Deadlocks
        | Kind::DatabaseWaySlow
        | Kind::RedisWaySlow => (500, 3_000),
        Kind::DatabaseKill | Kind::DatabaseRestart => (0, 1_000),
        Kind::DatabasePause | Kind::StandbyPause => (100, 3_000),
        // From then on there is a standby again.
        Kind::Failover => (1_000, 3_000),
        Kind::IdleTransaction => (1_000, 8_000),
        Kind::RedisKill => (0, 3_000),
        Kind::RedisHold | Kind::RedisPause | Kind::DatabaseWayBroken | Kind::RedisWayBroken => {
            (200, 4_000)
        }
    };
    Duration::from_millis(least)..=Duration::from_millis(most)
}

pub(super) fn fault(kind: Kind, servers: usize, dice: &mut Dice) -> Fault {
    if servers > 1
        && let Some(outage) = outage(kind, servers, dice)
    {
        return Fault::Outage(outage);
    }
    match kind {
        Kind::Kill => Fault::Kill,
        Kind::Restart => Fault::Restart,
        Kind::Pause => Fault::Pause,
        Kind::PowerCut => Fault::PowerCut,
        Kind::FullDisk => Fault::FullDisk,
        Kind::SyncErrors => Fault::SyncErrors {
            every: *dice.pick(&[1, 2, 3, 7, 20]),
        },
        Kind::SlowSyncs => Fault::SlowSyncs {
            delay: Duration::from_micros(dice.within(&SYNC_DELAY_MICROS)),
        },
        Kind::ClockJump => Fault::ClockJump {
            seconds: *dice.pick(JUMPS),
        },
        Kind::ClockDrift => Fault::ClockDrift {
            seconds_back: dice.within(&(1..=60)) as u32,
        },
        Kind::HalfOpen => Fault::HalfOpen,
        Kind::Disconnect => Fault::Disconnect,
        Kind::ClientCrash => Fault::ClientCrash {
            clients: dice.within(&CRASHES) as usize,
        },
        _ => Fault::Network(kind, Box::new(rules(kind, dice))),
    }
}

/// What befalls several servers.
fn outage(kind: Kind, servers: usize, dice: &mut Dice) -> Option<Outage> {
    let time = |dice: &mut Dice| Duration::from_millis(dice.within(&HELD_MILLIS));
    let way = |to, how, dice: &mut Dice| Outage::Way {
        number: one_of(servers, dice),
        to,
        how,
    };
    let late = |dice: &mut Dice| Broken::Slow(Duration::from_millis(dice.within(&LATE_MILLIS)));
    Some(match kind {
        Kind::Kill | Kind::Restart | Kind::Pause => Outage::Server {
            number: one_of(servers, dice),
            kind,
        },
        Kind::DatabaseKill => Outage::DatabaseKill,
        Kind::DatabaseRestart => Outage::DatabaseRestart,
        Kind::DatabasePause => Outage::DatabasePause,
        Kind::StandbyPause => Outage::StandbyPause,
        Kind::Failover => failover(servers, dice),
        Kind::LockedTable => Outage::LockedTable {
            table: dice.pick::<&str>(TABLES),
        },
        Kind::IdleTransaction => Outage::IdleTransaction,
        Kind::Deadlocks => Outage::Deadlocks,
        Kind::RedisKill => Outage::RedisKill,
        Kind::RedisFlush => Outage::RedisFlush,
        Kind::RedisHangUp => Outage::RedisHangUp,
        Kind::RedisHold => Outage::RedisHold { time: time(dice) },
        Kind::RedisSleep => Outage::RedisSleep { time: time(dice) },
        Kind::RedisPause => Outage::RedisPause,
        Kind::DatabaseWayBroken => {
            let how = *dice.pick(&[Broken::Cut, Broken::Silent]);
            way(Store::Database, how, dice)
        }
        Kind::RedisWayBroken => {
            let how = *dice.pick(&[Broken::Cut, Broken::Silent]);
            way(Store::Redis, how, dice)
        }
        Kind::DatabaseWaySlow => way(Store::Database, late(dice), dice),
        Kind::RedisWaySlow => way(Store::Redis, late(dice), dice),
        _ => return None,
    })
}

/// One that hangs is found by its address only: whoever waits for it cannot know that it will not answer.
fn failover(servers: usize, dice: &mut Dice) -> Outage {
    let number = one_of(servers, dice);
    let (old, found) = *dice.pick(&[
        (Old::Killed, Found::ByAddress),
        (Old::Killed, Found::ByList),
        (Old::Returns { number }, Found::ByAddress),
    ]);
    Outage::Failover { old, found }
}

fn one_of(servers: usize, dice: &mut Dice) -> usize {
    dice.within(&(0..=servers as u64 - 1)) as usize
}

fn rules(kind: Kind, dice: &mut Dice) -> Rules {
    let mut rules = Rules::default();
    match kind {
        Kind::Lateness => {
            rules.up = late(dice);
            rules.down = late(dice);
        }
        Kind::Narrowness => {
            rules.up.bytes_per_second = dice.within(&NARROW_BYTES);
            rules.down.bytes_per_second = dice.within(&NARROW_BYTES);
        }
        Kind::SlowReaders => rules.down.bytes_per_second = dice.within(&SLOW_READER_BYTES),
        Kind::Silence => rules.is_silent = true,
        Kind::Refusal => rules.is_refusing = true,
        Kind::Cuts => {
            let most = dice.within(&CUT_BYTES);
            rules.cut = Some(Cut {
                direction: *dice.pick(&[Direction::Up, Direction::Down]),
                after_bytes: 0..=most,
                ending: *dice.pick(&[Ending::Reset, Ending::Finish]),
            });
        }
        Kind::Repeats => {
            let later = Duration::from_millis(1)..=Duration::from_secs(3);
            rules.repeat = Some(Repeat {
                per_mille: dice.within(&(20..=400)) as u16,
                when: vec![Again::AtOnce, Again::AfterAnswer, Again::After(later)],
            });
        }
        Kind::LostAnswers => rules.swallow_per_mille = dice.within(&(5..=200)) as u16,
        _ => {}
    }
    rules
}

fn late(dice: &mut Dice) -> Lane {
    Lane {
        delay: Duration::from_millis(dice.within(&(0..=150))),
        jitter: Duration::from_millis(dice.within(&(0..=150))),
        bytes_per_second: 0,
    }
}
