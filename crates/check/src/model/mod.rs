//! A small world of clients and a server that does everything right, for tests and benchmarks: it writes the history
//! that a recorder would have written, with retries, lost answers, refusals, restarts, gaps and repeats. Equal plans
//! write equal histories.

mod clients;
mod end;
mod server;

use clients::Device;
use server::Server;

use crate::{Action, Event, Kind, event::mix};

/// What the world does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of all random choices.
    pub seed: u64,
    /// People; at least 2. Person 1 may add and remove others.
    pub people: u32,
    /// Devices of each.
    pub devices: u32,
    /// Threads; at least 1.
    pub threads: u32,
    /// Calls to make, without retries.
    pub calls: u64,
    /// Whether anything goes wrong, and anything else than sends happens.
    pub trouble: bool,
    /// How many read the final logs.
    pub final_readers: u32,
}

impl Plan {
    /// A small world with everything in it.
    pub fn small(seed: u64) -> Self {
        Self {
            seed,
            people: 5,
            devices: 2,
            threads: 3,
            calls: 400,
            trouble: true,
            final_readers: 2,
        }
    }
}

/// Writes a good history, event by event, in order of time.
pub fn write(plan: &Plan, take: impl FnMut(Event)) {
    let mut world = World::new(plan, take);
    world.begin();
    while world.calls_made < plan.calls {
        world.step();
    }
    world.settle();
    world.read_final();
}

/// A good history in memory.
pub fn events(plan: &Plan) -> Vec<Event> {
    let mut events = vec![];
    write(plan, |event| events.push(event));
    events
}

/// Random numbers from a seed.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5e3e_1d1c_e000_0001))
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to `limit - 1`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.roll() >> 11) as usize % limit
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        (self.roll() >> 11) % 100 < percent
    }
}

struct World<'a, F> {
    plan: &'a Plan,
    take: F,
    dice: Dice,
    time: u64,
    calls: u32,
    calls_made: u64,
    sessions: u32,
    server: Server,
    devices: Vec<Device>,
}

impl<'a, F: FnMut(Event)> World<'a, F> {
    fn new(plan: &'a Plan, take: F) -> Self {
        Self {
            plan,
            take,
            dice: Dice::new(plan.seed),
            time: 1_000_000,
            calls: 0,
            calls_made: 0,
            sessions: 0,
            server: Server::new(plan.threads, plan.people),
            devices: vec![],
        }
    }

    fn emit(&mut self, event: Event) {
        self.time += 1 + self.dice.roll() % 20_000;
        (self.take)(Event {
            time: self.time,
            ..event
        });
    }

    fn begin(&mut self) {
        let names = (1..=self.plan.people)
            .flat_map(|user| Event::names(Action::User, user, &format!("person-{user}")))
            .chain(
                (1..=self.plan.threads)
                    .flat_map(|thread| Event::names(Action::Thread, thread, &name(thread))),
            );
        names.for_each(&mut self.take);
        self.emit(Event::at(0, Kind::Node, Action::Started));
        for user in 1..=self.plan.people {
            for device in 0..self.plan.devices {
                let id = u64::from(user) << 16 | u64::from(device + 1);
                self.devices.push(Device::new(user, id, self.plan.threads));
            }
        }
        (0..self.devices.len()).for_each(|index| self.connect(index));
        for thread in 1..=self.plan.threads {
            self.create(thread);
        }
    }

    fn step(&mut self) {
        let index = self.dice.below(self.devices.len());
        if self.plan.trouble && self.dice.below(512) == 0 {
            return self.kill_server();
        }
        if self.plan.trouble && self.dice.below(256) == 0 {
            return self.crash(index);
        }
        if self.dice.chance(25) {
            let thread = self.dice.below(self.plan.threads as usize) as u32 + 1;
            return self.deliver(index, thread);
        }
        if self.devices[index].attempt.is_some() {
            self.proceed(index);
        } else {
            self.start_call(index);
        }
    }

    fn kill_server(&mut self) {
        self.emit(Event {
            code: 1,
            ..Event::at(0, Kind::Fault, Action::None)
        });
        self.emit(Event::at(0, Kind::Node, Action::Killed));
        (0..self.devices.len()).for_each(|index| self.lose_answer(index));
        self.emit(Event::at(0, Kind::Node, Action::Started));
        self.emit(Event {
            code: 1,
            ..Event::at(0, Kind::Heal, Action::None)
        });
    }
}

fn name(thread: u32) -> String {
    format!("0199a3f0-0000-7000-8000-{thread:012}")
}
