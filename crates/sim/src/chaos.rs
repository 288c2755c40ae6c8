//! What goes wrong around people, until they are done.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    device::Device,
    dice::Dice,
    disk,
    faults::Fault,
    life::Flag,
    network,
    world::{World, purpose},
};

/// Nothing happens for up to this.
const QUIET_MAX: Duration = Duration::from_secs(40);
/// A server is away for up to this.
const DOWN_MAX: Duration = Duration::from_secs(12);
/// A store answers nobody, and a device cannot connect, for up to this.
const AWAY_MAX: Duration = Duration::from_secs(15);
/// A commit is waited for so long.
const COMMIT_WAIT: Duration = Duration::from_secs(3);
/// The wall clock jumps up to this far, in milliseconds, in either direction.
const JUMP_MILLIS_MAX: usize = 20_000;

/// What can go wrong in a run: each run has some of it, so that nothing hides behind everything.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) disk: disk::Rates,
    pub(crate) net: network::Rates,
    events: Vec<Fault>,
}

impl Weather {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mut rate = |of_runs: u32, most: usize| {
            if dice.chance(of_runs) {
                dice.between(1, most) as u32
            } else {
                0
            }
        };
        let disk = disk::Rates {
            refused: rate(400, 40),
            unknown_kept: rate(400, 40),
            unknown_lost: rate(400, 40),
            broken: rate(300, 30),
        };
        let net = network::Rates {
            cut: rate(700, 15),
            stall: rate(400, 100),
            request: rate(600, 80),
            replay: rate(600, 150),
        };
        let all = [
            Fault::Kill,
            Fault::PowerCut,
            Fault::OrderlyStop,
            Fault::StoreAway,
            Fault::ClockJump,
            Fault::ConnectRefused,
            Fault::DeviceCrash,
        ];
        let events = all.into_iter().filter(|_| dice.chance(600)).collect();
        Self { disk, net, events }
    }
}

/// Lets things go wrong until it is told to stop; what began is brought to its end.
pub(crate) async fn rage(
    world: Arc<World>,
    devices: Vec<Arc<Device>>,
    weather: Weather,
    stop: Flag,
) {
    let mut dice = Dice::new(world.seed, purpose::CHAOS);
    loop {
        let quiet = dice.time(QUIET_MAX);
        tokio::select! {
            biased;
            () = stop.raised() => return,
            () = sleep(quiet) => {}
        }
        let Some(fault) = dice.pick(&weather.events).copied() else {
            continue;
        };
        world.recorder.fault(fault as u8 + 1, fault.name());
        happen(&world, &devices, fault, &mut dice).await;
        world.recorder.heal(fault as u8 + 1);
    }
}

async fn happen(world: &Arc<World>, devices: &[Arc<Device>], fault: Fault, dice: &mut Dice) {
    // A device counts its crash itself.
    if fault != Fault::DeviceCrash {
        world.tally.count(fault);
    }
    match fault {
        Fault::Kill | Fault::PowerCut => {
            // Most moments are between commits, and the others are those that matter.
            for _ in 0..dice.below(4) {
                // Nobody may be writing.
                let _ = timeout(COMMIT_WAIT, world.disk.in_a_commit()).await;
            }
            world.kill_server(fault == Fault::Kill);
            sleep(dice.time(DOWN_MAX)).await;
            world.start_server();
        }
        Fault::OrderlyStop => {
            world.stop_server().await;
            sleep(dice.time(DOWN_MAX)).await;
            world.start_server();
        }
        Fault::StoreAway => {
            let time = dice.time(AWAY_MAX);
            world.disk.go_away(time);
            sleep(time).await;
        }
        Fault::ClockJump => {
            let millis = dice.below(2 * JUMP_MILLIS_MAX) as i64 - JUMP_MILLIS_MAX as i64;
            world.clock.jump(millis);
        }
        Fault::ConnectRefused => {
            if let Some(device) = dice.pick(devices) {
                world.net.keep_away(&device.name, dice.time(AWAY_MAX));
            }
        }
        Fault::DeviceCrash => {
            if let Some(device) = dice.pick(devices) {
                device.crash().await;
            }
        }
        _ => {}
    }
}
