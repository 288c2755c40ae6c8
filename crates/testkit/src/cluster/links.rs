//! How one server reaches what it needs.

use std::{io, net::SocketAddr};

use semel_services::{Postgres, Redis};

use super::{Stores, environment};
use crate::link::Link;

/// The links of one server, each of which can be cut without the others.
#[derive(Debug)]
pub struct Links {
    /// To the database.
    pub postgres: Link,
    /// To what follows it.
    pub standby: Option<Link>,
    /// To Redis.
    pub redis: Option<Link>,
}

impl Links {
    pub(super) async fn start(stores: &Stores) -> io::Result<Self> {
        Ok(Self {
            postgres: Link::start(stores.postgres.address()).await?,
            standby: link(stores.standby.as_ref().map(Postgres::address)).await?,
            redis: link(stores.redis.as_ref().map(Redis::address)).await?,
        })
    }

    /// All of them, to be treated alike.
    pub fn all(&self) -> impl Iterator<Item = &Link> {
        let more = [&self.standby, &self.redis].into_iter().flatten();
        [&self.postgres].into_iter().chain(more)
    }

    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let both = [Some(&self.postgres), self.standby.as_ref()];
        let databases = both.into_iter().flatten().map(|link| link.address);
        environment(databases, self.redis.as_ref().map(|link| link.address))
    }
}

async fn link(target: Option<SocketAddr>) -> io::Result<Option<Link>> {
    match target {
        Some(target) => Link::start(target).await.map(Some),
        None => Ok(None),
    }
}
