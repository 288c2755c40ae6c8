//! Threads whose people are all online: pairs, groups, and one in which everybody writes.

use semel_protocol::ThreadType;

use super::{
    LoadError, Outcome,
    device::Interest,
    orders::{Deed, Orders},
    stage::Stage,
};

/// People of a group who write; the others only read.
const GROUP_WRITERS: usize = 4;

/// Threads of one kind.
struct Crowds {
    threads: usize,
    people: usize,
    writers: usize,
    thread_type: ThreadType,
}

/// Threads of two: one writes, the other has it on screen.
pub(super) async fn pairs(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let crowds = Crowds {
        threads: stage.plan.connections / 2,
        people: 2,
        writers: 1,
        thread_type: ThreadType::Direct,
    };
    run(stage, &crowds).await
}

/// One group, some of whom write.
pub(super) async fn group(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let people = stage.plan.connections;
    let crowds = Crowds {
        threads: 1,
        people,
        writers: GROUP_WRITERS.min(people - 1),
        thread_type: ThreadType::Group,
    };
    run(stage, &crowds).await
}

/// One group, all of whom write.
pub(super) async fn hot_thread(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let people = stage.plan.connections;
    let crowds = Crowds {
        threads: 1,
        people,
        writers: people,
        thread_type: ThreadType::Group,
    };
    run(stage, &crowds).await
}

async fn run(stage: &mut Stage<'_>, crowds: &Crowds) -> Result<Outcome, LoadError> {
    let everybody = crowds.threads * crowds.people;
    let names: Vec<String> = (0..everybody)
        .map(|number| stage.name("person", number))
        .collect();
    let mut open = stage.connect(&names).await?.into_iter().enumerate();
    stage.tally.enter("making threads");
    let mut threads = Vec::with_capacity(crowds.threads);
    for people in names.chunks(crowds.people) {
        threads.push(stage.thread(people, crowds.thread_type).await?);
    }
    stage.begin();
    let mut desks = Vec::new();
    let everybody_writes = crowds.writers == crowds.people;
    for thread_id in threads {
        for (place, (number, transport)) in open.by_ref().take(crowds.people).enumerate() {
            let writes = place < crowds.writers;
            let (orders, desk) = if writes {
                stage.orders(thread_id)
            } else {
                (Orders::None, None)
            };
            desks.extend(desk);
            let interest = Interest {
                // What comes back to its only writer is not what people wait for.
                times_screen: !writes || everybody_writes,
                witness: stage.witness(&names[number]),
                source: Some(stage.source(&names[number], number)),
                ..Interest::default()
            };
            stage.put_to_work(number, transport, interest, orders);
        }
    }
    let elapsed = stage
        .load(|arrival| desks[arrival.number as usize % desks.len()].order(arrival.due, Deed::Say))
        .await;
    // Of every thread: the entry that made it, and its messages.
    let done = stage.tally.counters().done;
    let made = everybody as u64;
    stage
        .drain_screens(made + done * crowds.people as u64)
        .await;
    let seen = stage.tally.counters().delivered.saturating_sub(made);
    Ok(Outcome::new(elapsed).rate("deliveries_per_second", "deliveries/s", seen))
}
