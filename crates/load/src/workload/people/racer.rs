//! Has several people make the same thread at the same moment.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use semel_protocol::{
    UserId,
    requests::{CreateOrGet, StartConversation},
};

use super::{
    super::{
        rooms::Room,
        world::{World, surely},
    },
    words,
};
use crate::dice::Dice;

/// Pauses between two races are this many times the usual.
const PAUSES: usize = 20;
/// Races for a direct thread, the others are for a group, in percent.
const DIRECT_PERCENT: usize = 60;

pub(in crate::workload) async fn racer(world: Arc<World>, races: Arc<AtomicUsize>, mut dice: Dice) {
    while world.goes_on() {
        if races.fetch_add(1, Ordering::Relaxed) >= world.plan.races_max {
            return;
        }
        let wanted = if dice.chance(DIRECT_PERCENT) { 2 } else { 3 };
        race(&world, wanted, &mut dice).await;
        for _ in 0..PAUSES {
            world.think(&mut dice).await;
        }
    }
}

async fn race(world: &Arc<World>, wanted: usize, dice: &mut Dice) {
    let mut people = Vec::new();
    while people.len() < wanted {
        let person = dice.below(world.people.len());
        if !people.contains(&person) {
            people.push(person);
        }
    }
    let names: Vec<UserId> = people
        .iter()
        .map(|one| world.people[*one].clone())
        .collect();
    let mut runs = Vec::new();
    for (place, person) in people.iter().enumerate() {
        // Each names them in another order.
        let mut names = names.clone();
        names.rotate_left(place);
        let run = run(Arc::clone(world), *person, names, Dice::new(dice.roll(), 0));
        runs.push(tokio::spawn(run));
    }
    let mut thread = None;
    for run in runs {
        // A run that was aborted with its workload.
        let Ok(answer) = run.await else { return };
        match answer {
            Ok(one) => thread = Some(one),
            Err(text) => world.complain(format!("a thread is not made: {text}")),
        }
    }
    let Some(thread) = thread else { return };
    let is_known = |room: &Arc<Room>| room.id == thread.0;
    if !world.board.all().iter().any(is_known) {
        let room = Room::new(thread.0, people, Vec::new(), true);
        world.board.add(Arc::new(room));
    }
}

/// One of those who make the thread, with or without first words.
async fn run(
    world: Arc<World>,
    person: usize,
    names: Vec<UserId>,
    mut dice: Dice,
) -> Result<(semel_protocol::ThreadId, u64), String> {
    let mut caller = world.caller(person);
    let mut ids = world.ids();
    let (client_id, key) = (ids.next(), ids.key());
    let thread = if dice.chance(50) {
        let body = StartConversation {
            participants: names.clone(),
            message_content: words(client_id, &mut dice),
            thread_type: None,
            title: None,
            client_id: Some(client_id),
            distinct: None,
        };
        let answer = surely!(caller, api => api.start_conversation(&body, Some(&key)));
        let data = answer.map_err(|error| error.to_string())?.data;
        world.count_acknowledged();
        data.thread
    } else {
        let body = CreateOrGet {
            participants: names.clone(),
            thread_type: None,
            title: None,
            distinct: None,
            client_id: None,
        };
        let answer = surely!(caller, api => api.create_or_get(&body, Some(&key)));
        answer.map_err(|error| error.to_string())?.data.thread
    };
    let place = (thread.id, thread.epoch);
    world.recorder.owner(place.0, place.1, &names);
    Ok(place)
}
