//! Writes through a device's outbox, a burst at a time.

use std::sync::Arc;

use semel_client::Destination;
use semel_protocol::thread::ThreadType;

use super::{
    super::{device::Device, world::World},
    message, words,
};
use crate::dice::Dice;

/// Messages that go to a person instead of a thread, in percent.
const TO_PEOPLE_PERCENT: usize = 3;
/// Acknowledged messages that are sent again over HTTP, in percent.
const REPEATED_PERCENT: usize = 2;

pub(in crate::workload) async fn sender(world: Arc<World>, device: Arc<Device>, mut dice: Dice) {
    let mut ids = world.ids();
    let mut caller = world.caller_elsewhere(device.person);
    while world.goes_on() {
        let Some(room) = world.room(device.person, &mut dice) else {
            world.think(&mut dice).await;
            continue;
        };
        let mut written = Vec::new();
        for _ in 0..=dice.below(world.plan.burst) {
            let client_id = ids.next();
            let content = words(client_id, &mut dice);
            let to = destination(&world, device.person, room.id, &mut dice);
            let answer = device.write(to, client_id, content.clone()).await;
            written.push((client_id, content, answer));
        }
        for (client_id, content, answer) in written {
            let Some(stored) = device.settle(answer).await else {
                continue;
            };
            if stored.message.thread_id != room.id {
                continue;
            }
            room.saw(&stored.message);
            if dice.chance(REPEATED_PERCENT) {
                let again = message(client_id, &content);
                // Recorded, whatever comes of it.
                let again = caller.api().send(room.id, &again, None).await;
                if again.is_err_and(|error| error.is_retryable()) {
                    caller.rest().await;
                }
            }
        }
        world.think(&mut dice).await;
    }
}

fn destination(
    world: &World,
    person: usize,
    thread: semel_protocol::ThreadId,
    dice: &mut Dice,
) -> Destination {
    let other = dice.below(world.people.len());
    if other == person || !dice.chance(TO_PEOPLE_PERCENT) {
        return Destination::Thread(thread);
    }
    Destination::People {
        participants: vec![world.people[other].clone()],
        thread_type: ThreadType::Direct,
    }
}
