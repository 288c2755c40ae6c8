//! What it takes when nothing is said: connections, presence, and the look for what other servers did.

use std::{sync::Arc, time::Duration};

use semel_client::{Api, Transport};
use semel_load::scenario::{Rate, Scenario};
use semel_protocol::{ThreadId, ThreadType, UserId, requests::CreateOrGet};
use semel_testkit::token;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    Result,
    figures::Figures,
    load::{plan, run},
    rig::{Engine, Rig, Services},
};

/// Connections that do nothing, of each server.
const IDLE: usize = 1_000;
/// Threads that servers follow, one measurement after the other.
pub(crate) const FOLLOWED: [usize; 3] = [0, 1_000, 10_000];
/// Threads of each person who follows them; a server follows no more of one.
const THREADS_EACH: usize = 1_000;
/// Threads of a person that are made at the same time.
const MAKING: usize = 8;
/// Time in which servers come to rest.
const REST: Duration = Duration::from_secs(1);
const STAYING: &str = "staying connected";

/// Memory of connections, and what it takes to know who is there.
pub(crate) async fn connections(
    figures: &mut Figures,
    engine: Engine,
    services: Option<&Arc<Services>>,
    time: Duration,
) -> Result<()> {
    let rig = Rig::start(engine, services)?;
    let count = IDLE * rig.addresses().len();
    let idle = plan(Scenario::Idle, Rate::PerSecond(0), count, time);
    let idle = run(&rig, &idle, STAYING).await?;
    let name = engine.name();
    for measure in ["connection_kib", "connects_per_second"] {
        figures.set(format!("{name}.idle.{measure}"), idle.measure(measure)?);
    }
    let each = count as f64 * idle.seconds / 1_000.0;
    figures.set(format!("{name}.idle.cpu_servers"), idle.cost.servers / each);
    figures.set(format!("{name}.idle.cpu_redis"), idle.cost.redis / each);
    Ok(())
}

/// What servers take that follow so many threads in which nothing happens.
pub(crate) async fn looks(
    figures: &mut Figures,
    services: &Arc<Services>,
    servers: usize,
    time: Duration,
) -> Result<()> {
    let rig = Rig::start(Engine::Postgres(servers), Some(services))?;
    let addresses = rig.addresses();
    let friend = UserId::parse("friend")?;
    drop(Transport::connect(&addresses[0], &token(friend.as_str()), None).await?);
    let (mut open, mut made) = (Vec::new(), 0);
    for count in FOLLOWED {
        while made < count {
            let name = format!("follower-{made}");
            drop(Transport::connect(&addresses[0], &token(&name), None).await?);
            let api = |at: usize| Api::new(addresses[at % addresses.len()].clone(), &token(&name));
            make(&api, &friend, THREADS_EACH).await?;
            made += THREADS_EACH;
            for address in &addresses {
                open.push(Transport::connect(address, &token(&name), None).await?);
            }
        }
        sleep(REST).await;
        let (counts, cost, begin) = (rig.counts().await?, rig.cost()?, Instant::now());
        sleep(time).await;
        let (after, cost) = (rig.counts().await?, rig.cost()? - cost);
        // A server's share; the counters are brought up to date while both run.
        let seconds = begin.elapsed().as_secs_f64() * addresses.len() as f64;
        let name = format!("look.{count}");
        let looks = after.since(&counts, "semel_bus_look_seconds_count");
        let took = after.since(&counts, "semel_bus_look_seconds_sum");
        figures.set(
            format!("{name}.milliseconds"),
            took / looks.max(1.0) * 1_000.0,
        );
        figures.set(format!("{name}.per_second"), looks / seconds);
        let asked = after.since(&counts, "semel_questions_total");
        figures.set(format!("{name}.questions"), asked / seconds);
        figures.set(format!("{name}.cpu_servers"), cost.servers / seconds);
        figures.set(format!("{name}.cpu_postgres"), cost.postgres / seconds);
    }
    Ok(())
}

/// Makes threads of the same two people.
async fn make(api: &impl Fn(usize) -> Api, friend: &UserId, count: usize) -> Result<()> {
    let mut making = JoinSet::new();
    for at in 0..MAKING {
        let (api, friend) = (api(at), friend.clone());
        let share = count / MAKING + usize::from(at < count % MAKING);
        making.spawn(async move {
            for _ in 0..share {
                let _: ThreadId = one(&api, &friend).await?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(made) = making.join_next().await {
        made??;
    }
    Ok(())
}

async fn one(api: &Api, friend: &UserId) -> Result<ThreadId> {
    let body = CreateOrGet {
        participants: vec![friend.clone()],
        thread_type: Some(ThreadType::Group),
        title: None,
        distinct: Some(false),
        client_id: None,
    };
    Ok(api.create_or_get(&body).await?.data.thread.id)
}
