//! How long a fault of a kind lasts, and how bad it is.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    Dice,
    faults::{Fault, Kind},
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

/// Least and greatest length.
pub(super) fn lengths(kind: Kind) -> RangeInclusive<Duration> {
    let (least, most) = match kind {
        Kind::Kill | Kind::PowerCut | Kind::Restart => (0, 60),
        Kind::Pause => (50, 2_500),
        Kind::FullDisk | Kind::SyncErrors => (200, 1_500),
        Kind::SlowSyncs => (300, 1_500),
        // A clock is looked at anew once a second.
        Kind::ClockJump | Kind::ClockDrift => (1_100, 3_000),
        Kind::HalfOpen => (200, 3_000),
        Kind::Disconnect | Kind::ClientCrash => (0, 0),
        Kind::Refusal => (50, 500),
        Kind::Silence => (100, 2_500),
        Kind::Lateness
        | Kind::Narrowness
        | Kind::SlowReaders
        | Kind::Cuts
        | Kind::Repeats
        | Kind::LostAnswers => (500, 3_000),
    };
    Duration::from_millis(least)..=Duration::from_millis(most)
}

pub(super) fn fault(kind: Kind, dice: &mut Dice) -> Fault {
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
