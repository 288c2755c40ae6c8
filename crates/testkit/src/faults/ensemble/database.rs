//! A standby takes the place of the database.

use std::{io, time::Duration};

use semel_services::Postgres;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{Ensemble, lacks, told};
use crate::faults::{Found, Old};

/// What a primary calls its standby.
const STANDBY: &str = "standby";
/// How long a database that has come back is there beside the one that took its place.
const RETURNS_FOR: Duration = Duration::from_millis(1_500);

/// A database whose place was taken.
#[derive(Debug)]
pub(super) struct Former {
    postgres: Postgres,
    old: Old,
}

impl Ensemble {
    /// The database goes away, and the standby takes its place.
    pub(super) fn fail_over(&mut self, old: Old, found: Found) -> io::Result<()> {
        let standby = self.cluster.standby.take();
        let standby = standby.ok_or_else(|| lacks("a standby"))?;
        block_in_place(|| match old {
            Old::Killed => self.cluster.postgres.kill(),
            Old::Returns { .. } => {
                // What it has acknowledged before is on its way; from now on nobody hears it.
                for links in &self.cluster.links {
                    links.postgres.silence();
                }
                self.cluster.postgres.pause()
            }
        })
        .map_err(|trouble| told(&trouble))?;
        block_in_place(|| standby.promote()).map_err(|trouble| told(&trouble))?;
        self.promoted_at = Some(Instant::now());
        let postgres = std::mem::replace(&mut self.cluster.postgres, standby);
        if found == Found::ByAddress {
            self.move_address();
        }
        self.former = Some(Former { postgres, old });
        Ok(())
    }

    /// Whoever connects to the database's address comes to the one that writes now.
    fn move_address(&self) {
        let address = self.cluster.postgres.address();
        for links in &self.cluster.links {
            if links.postgres.target() != address {
                links.postgres.point_at(address);
            }
            links.postgres.heal();
        }
    }

    /// The former database is gone for good, after it has come back if it was to; a new standby follows the one that took
    /// its place.
    pub(super) async fn make_standby(&mut self) -> io::Result<()> {
        let Some(Former { postgres, old }) = self.former.take() else {
            return Ok(());
        };
        self.promoted_at = None;
        if let Old::Returns { number } = old {
            block_in_place(|| postgres.resume()).map_err(|trouble| told(&trouble))?;
            let way = &self.cluster.links[number].postgres;
            way.point_at(postgres.address());
            way.heal();
            sleep(RETURNS_FOR).await;
        }
        block_in_place(|| postgres.kill()).map_err(|trouble| told(&trouble))?;
        self.move_address();
        self.standbys += 1;
        let directory = self.directory.join(format!("standby-{}", self.standbys));
        let standby = block_in_place(|| {
            let standby = self.cluster.postgres.standby(&directory, STANDBY)?;
            self.cluster.postgres.synchronous_standbys(&[STANDBY])?;
            Ok::<_, semel_services::Trouble>(standby)
        })
        .map_err(|trouble| told(&trouble))?;
        for links in &self.cluster.links {
            if let Some(way) = &links.standby {
                way.point_at(standby.address());
            }
        }
        self.cluster.standby = Some(standby);
        Ok(())
    }
}
