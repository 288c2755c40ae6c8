//! What people do in a day, in groups of ten: an open loop.

use std::sync::Arc;

use semel_client::{Api, Transport};
use semel_protocol::{ThreadId, ThreadType, UserId};
use tokio::{sync::mpsc, time::Instant};

use super::{
    LoadError, Outcome,
    device::Interest,
    orders::{Deed, Desk, desk},
    stage::Stage,
    tally::{Tally, Timed},
};

/// People of a group.
const GROUP_PEOPLE: usize = 10;
/// HTTP connections over which pages are read.
const READERS: usize = 4;

/// What is done, out of a hundred. The rest is messages.
const DEEDS: &[(u64, What)] = &[
    (10, What::Read),
    (10, What::Deed(Deed::React)),
    (15, What::Deed(Deed::Mark)),
    (8, What::Deed(Deed::Type)),
    (4, What::Deed(Deed::Edit)),
    (1, What::Connect),
];

#[derive(Clone, Copy)]
enum What {
    Deed(Deed),
    /// The newest page over HTTP.
    Read,
    /// Another device of a person, for a moment.
    Connect,
}

/// Which of them, for a number.
fn choose(number: u64) -> What {
    let mut rest = number % 100;
    for (share, what) in DEEDS {
        match rest.checked_sub(*share) {
            Some(less) => rest = less,
            None => return *what,
        }
    }
    What::Deed(Deed::Say)
}

pub(super) async fn mixed(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let groups = stage.plan.connections / GROUP_PEOPLE;
    let names: Vec<String> = (0..groups * GROUP_PEOPLE)
        .map(|number| stage.name("person", number))
        .collect();
    let people: Vec<UserId> = names
        .iter()
        .map(|name| UserId::parse(name).expect("a legal id"))
        .collect();
    let mut open = stage.connect(&names).await?.into_iter();
    stage.tally.enter("making threads");
    let mut threads = Vec::new();
    for people in names.chunks(GROUP_PEOPLE) {
        threads.push(stage.thread(people, ThreadType::Group).await?);
    }
    let mut desks: Vec<Desk> = Vec::new();
    for (number, transport) in open.by_ref().enumerate() {
        let (orders, desk) = desk(threads[number / GROUP_PEOPLE]);
        desks.push(desk);
        let interest = Interest {
            times_screen: true,
            remembers: Some(people[number].clone()),
            witness: stage.witness(&names[number]),
            calls: stage.calls(&names[number]),
            answers: None,
            source: None,
        };
        stage.put_to_work(number, transport, interest, orders);
    }
    let readers: Vec<_> = (0..READERS)
        .map(|number| reader(stage, &names, &threads, number))
        .collect();
    stage.begin();
    let earlier = stage.tally.counters().delivered;
    let seed = stage.plan.seed;
    let (target, tally) = (stage.target.clone(), Arc::clone(&stage.tally));
    let elapsed = stage
        .load(|arrival| {
            let dice = mix(seed ^ arrival.number);
            let who = (dice >> 32) as usize % names.len();
            match choose(dice) {
                What::Deed(deed) => desks[who].order(arrival.due, deed),
                What::Read => {
                    // A reader that is gone has been noted.
                    let _ = readers[who % READERS].send(arrival.due);
                }
                What::Connect => {
                    let (address, token) =
                        (target.address(who + 1).clone(), (target.sign)(&people[who]));
                    tokio::spawn(visit(address, token, arrival.due, Arc::clone(&tally)));
                }
            }
        })
        .await;
    stage.drain_quiet().await;
    let later = stage.tally.counters().delivered.saturating_sub(earlier);
    let done = stage.tally.counters().done;
    Ok(Outcome::new(elapsed)
        .rate("actions_per_second", "actions of all kinds/s", done)
        .rate("deliveries_per_second", "deliveries/s", later))
}

/// One HTTP connection that reads the newest page of the thread of one person.
fn reader(
    stage: &mut Stage<'_>,
    names: &[String],
    threads: &[ThreadId],
    number: usize,
) -> mpsc::UnboundedSender<Instant> {
    let (reads, mut due) = mpsc::unbounded_channel();
    let place = number % threads.len();
    let api: Api = stage.api(&names[place * GROUP_PEOPLE], number);
    let (thread_id, tally) = (threads[place], Arc::clone(&stage.tally));
    stage.devices.spawn(async move {
        while let Some(due) = due.recv().await {
            let due: Instant = due;
            match api.newest_messages(thread_id).await {
                Ok(_) => tally.succeed(Some(Timed::Read), due.elapsed()),
                Err(error) => match error.problem() {
                    Some(problem) => tally.fail(problem.code.as_str()),
                    None => tally.fail("disconnected"),
                },
            }
        }
    });
    reads
}

async fn visit(address: semel_client::Address, token: String, due: Instant, tally: Arc<Tally>) {
    match Transport::connect(&address, &token, None).await {
        Ok(transport) => {
            tally.succeed(Some(Timed::Connect), due.elapsed());
            transport.close().await;
        }
        Err(_) => tally.fail("not connected"),
    }
}

/// Spreads a number over all its bits (`SplitMix64`).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_has_its_share() {
        let shares: u64 = DEEDS.iter().map(|(share, _)| share).sum();
        let says = (0..100)
            .filter(|n| matches!(choose(*n), What::Deed(Deed::Say)))
            .count();
        assert_eq!(says as u64, 100 - shares);
        let reads = (0..1_000)
            .filter(|n| matches!(choose(*n), What::Read))
            .count();
        assert_eq!(reads, 100);
    }
}
