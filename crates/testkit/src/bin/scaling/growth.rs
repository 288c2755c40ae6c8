//! The same load on more and more servers.

use std::{sync::Arc, time::Duration};

use semel_load::scenario::{Rate, Scenario};

use crate::{
    Result,
    cost::Cost,
    figures::Figures,
    load::{Measured, plan, run},
    rig::{Engine, Rig, Services},
    share::Share,
};

/// Connections of the fullest load: half of them write, each in a thread of its own, the others have it on screen.
const PAIRS: usize = 400;
/// Connections of the gentle load, and its messages a second.
const GENTLE: (usize, u32) = (100, 500);
/// People of the hot thread, all of whom write at once.
const HOT: usize = 48;
/// People of the group, and its messages a second.
const GROUP: (usize, u32) = (100, 100);
/// What a server gets of a core where servers are to be the limit, and the connections that it has then.
pub(crate) const HELD: (f64, usize) = (0.15, 200);
/// What scenarios call the time in which the load lasts.
const LOADING: &str = "loading";

/// Everything on one engine, in one database.
pub(crate) async fn measure(
    figures: &mut Figures,
    engine: Engine,
    services: Option<&Arc<Services>>,
    time: Duration,
) -> Result<()> {
    let name = engine.name();
    let rig = Rig::start(engine, services)?;
    let (empty, unlogged) = (rig.stored_bytes()?, rig.logged_bytes()?);
    let full = plan(Scenario::Pairs, Rate::Max, PAIRS, time);
    let full = run(&rig, &full, LOADING).await?;
    throughput(figures, &format!("{name}.pairs"), &full)?;
    let logged = rig.logged_bytes()? - unlogged;
    let mut messages = full.summary.achieved.done;
    figures.set(format!("{name}.log_bytes"), logged / messages as f64);

    let before = rig.counts().await?;
    let hot = run(
        &rig,
        &plan(Scenario::HotThread, Rate::Max, HOT, time),
        LOADING,
    )
    .await?;
    let after = rig.counts().await?;
    throughput(figures, &format!("{name}.hot"), &hot)?;
    figures.times(&format!("{name}.hot.screen"), hot.times("screen")?);
    let batches = after.since(&before, "semel_lane_commits_total");
    let reruns = after.since(&before, "semel_lane_reruns_total");
    let of_hot = hot.summary.achieved.done;
    figures.set(
        format!("{name}.hot.batch"),
        of_hot as f64 / batches.max(1.0),
    );
    figures.set(format!("{name}.hot.reruns"), reruns);
    figures.set(format!("{name}.hot.fetched_percent"), hot.fetched_percent());
    messages += of_hot;

    let gentle = plan(Scenario::Pairs, Rate::PerSecond(GENTLE.1), GENTLE.0, time);
    let gentle = run(&rig, &gentle, LOADING).await?;
    figures.times(&format!("{name}.gentle.ack"), gentle.times("ack")?);
    figures.times(&format!("{name}.gentle.screen"), gentle.times("screen")?);
    messages += gentle.summary.achieved.done;

    messages += fan_out(figures, &rig, time).await?;
    figures.set(format!("{name}.deadlocks"), rig.stop()?);
    // What a thread, a person and a place in a thread take is in it: little beside messages.
    let stored = rig.stored_bytes()? - empty;
    figures.set(format!("{name}.stored_bytes"), stored / messages as f64);
    Ok(())
}

/// A share of a core for each of so many servers.
pub(crate) fn shares(servers: usize) -> std::io::Result<Vec<Share>> {
    let name = |number| format!("semel-scaling-{}-{number}", std::process::id());
    (1..=servers)
        .map(|number| Share::new(&name(number), HELD.0))
        .collect()
}

/// The fullest load on servers that are held to a share each, so that what they stand on is not the limit.
///
/// Each has the same number of connections, however many servers there are. Figures of `<engine>.held`.
pub(crate) async fn held(
    figures: &mut Figures,
    shares: &[Share],
    services: &Arc<Services>,
    time: Duration,
) -> Result<()> {
    let engine = Engine::Postgres(shares.len());
    let rig = Rig::start(engine, Some(services))?;
    rig.hold(shares)?;
    let connections = HELD.1 * shares.len();
    let full = plan(Scenario::Pairs, Rate::Max, connections, time);
    let full = run(&rig, &full, LOADING).await?;
    throughput(figures, &format!("{}.held", engine.name()), &full)?;
    // Before anybody gives up the shares.
    rig.stop()?;
    Ok(())
}

fn throughput(figures: &mut Figures, name: &str, measured: &Measured) -> Result<()> {
    let rate = measured.summary.achieved.done_per_second;
    figures.set(format!("{name}.per_second"), rate);
    figures.times(&format!("{name}.ack"), measured.times("ack")?);
    for (part, cost) in [
        ("servers", measured.per_thousand(|cost| cost.servers)),
        ("postgres", measured.per_thousand(|cost| cost.postgres)),
        ("redis", measured.per_thousand(|cost| cost.redis)),
        ("generator", measured.per_thousand(|cost| cost.generator)),
    ] {
        figures.set(format!("{name}.cpu_{part}"), cost);
    }
    let all = |cost: &Cost| cost.of_service() + cost.generator;
    figures.set(
        format!("{name}.busy"),
        all(&measured.cost) / measured.seconds,
    );
    Ok(())
}

/// A group whose people are spread over all servers. Returns its messages.
///
/// What it takes that everybody connects and gets a thread is in a short run as well as in a long one: the difference is
/// what messages take.
async fn fan_out(figures: &mut Figures, rig: &Arc<Rig>, time: Duration) -> Result<u64> {
    let name = format!("{}.group", rig.engine.name());
    let group = |time| plan(Scenario::Group100, Rate::PerSecond(GROUP.1), GROUP.0, time);
    let begin = rig.counts().await?;
    let short = run(rig, &group(time / 4), LOADING).await?;
    let middle = rig.counts().await?;
    let long = run(rig, &group(time), LOADING).await?;
    let end = rig.counts().await?;
    let [few, many] = [&short, &long].map(|run| run.summary.achieved.done);
    let each = |counter: &str| {
        let more = end.since(&middle, counter) - middle.since(&begin, counter);
        more.max(0.0) / many.saturating_sub(few).max(1) as f64
    };
    figures.set(format!("{name}.told"), each("redis_published"));
    figures.set(format!("{name}.questions"), each("semel_questions_total"));
    figures.times(&format!("{name}.screen"), long.times("screen")?);
    let deliveries = long.measure("deliveries_per_second")?;
    figures.set(format!("{name}.deliveries_per_second"), deliveries);
    let cost = long.per_thousand_delivered(|cost| cost.servers);
    figures.set(format!("{name}.cpu_servers"), cost);
    Ok(few + many)
}
