//! Moves everything from one database to another, of whichever engine: the same history, with every id and number.
//!
//! Rows go over in the order of their keys, a page in each transaction, and with each page the target says how far it is.
//! So a transfer that was killed goes on where it was. At the end both sides are read again, each by itself, and compared.
//!
//! Invariant: while a target is being filled nobody else opens it, and no server writes a source while it is read.
//! Invariant: a transfer goes on only from a source that no server has used since it began.

mod compare;
pub(crate) mod marker;
pub(crate) mod side;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use std::{fmt, path::PathBuf, str::FromStr};

use semel_core::ports::Entropy;
use uuid::Uuid;

pub use self::compare::{Compared, Content};
use self::{
    compare::compare,
    marker::{Filling, half_filled, not_empty},
    side::{AnySide, Identity, Plan, Reading, Side, plans},
    tables::TABLES,
};
use crate::{
    Error, Progress, Tell,
    postgres::{self, Address},
    sqlite,
};

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// `semel.db` in a directory.
    Sqlite(PathBuf),
    /// On a server of `PostgreSQL`.
    Postgres(Box<Address>),
}

impl FromStr for Place {
    type Err = Error;

    /// Reads `sqlite:DIRECTORY`, `sqlite:DIRECTORY/semel.db` or `postgres://…`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
            return Ok(Self::Postgres(Box::new(text.parse()?)));
        }
        if !lower.starts_with("sqlite:") {
            let text = "say sqlite:DIRECTORY or postgres://USER:PASSWORD@HOST/NAME";
            return Err(Error::Unusable(text.to_owned()));
        }
        let path = &text["sqlite:".len()..];
        let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
        if path.as_os_str().is_empty() {
            let text = "sqlite: names no directory";
            return Err(Error::Unusable(text.to_owned()));
        }
        if path.file_name().is_some_and(|name| name == "semel.db") {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            return Ok(Self::Sqlite(parent.map_or(".".into(), Into::into)));
        }
        if path.is_file() {
            return Err(Error::Unusable(format!(
                "{} is a file: a database is always called semel.db, and its directory is named",
                path.display()
            )));
        }
        Ok(Self::Sqlite(path))
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(directory) => write!(f, "{}", directory.join("semel.db").display()),
            Self::Postgres(address) => {
                write!(f, "database {} at {}", address.database(), address.hosts())
            }
        }
    }
}

/// What a transfer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The database's name, the same at both ends.
    pub incarnation: String,
    /// Rows that an earlier attempt had moved.
    pub rows_before: u64,
    /// Rows that this one moved.
    pub rows_moved: u64,
    /// Every table, as both ends have it. They are the same.
    pub tables: Vec<Compared>,
}

/// Both ends, at work.
struct Transfer<'a> {
    source: AnySide,
    target: AnySide,
    plans: Vec<Plan>,
    filling: Filling,
    total: u64,
    tell: Tell<'a>,
}

/// Moves everything, or goes on with it, and compares both ends. The target is empty, or an unfinished transfer of the same
/// source. Servers may open it when this has returned.
pub async fn transfer(
    from: &Place,
    to: &Place,
    entropy: &dyn Entropy,
    tell: Tell<'_>,
) -> Result<Summary, Error> {
    refuse_the_same(from, to)?;
    let (mut source, identity) = open_full(from).await.map_err(at("source"))?;
    let mut target = open_target(to).await.map_err(at("target"))?;
    let filling = match target.filling().await? {
        Some(filling) => {
            goes_on(&mut *source, &mut *target, &identity, &filling).await?;
            filling
        }
        None => begin(&mut *source, &mut *target, &identity, entropy).await?,
    };
    source.hold().await?;
    if source.leaving().await?.as_ref() != Some(&filling.id) {
        return Err(changed());
    }
    let plans = plans(&mut *source, &mut *target).await?;
    let total = count(&mut *source).await?;
    let rows_before = filling.rows;
    let transfer = Transfer {
        source,
        target,
        plans,
        filling,
        total,
        tell,
    };
    let mut transfer = transfer.fill().await?;
    let rows_moved = transfer.filling.rows - rows_before;
    let ends = (transfer.source, transfer.target);
    let (_, mut target, tables) = compare(ends, &transfer.plans, total, tell).await?;
    if !tables.iter().all(Compared::is_same) || target.identity().await?.as_ref() != Some(&identity)
    {
        return Err(different(&tables));
    }
    transfer.target = target;
    transfer.target.finish(&transfer.filling).await?;
    Ok(Summary {
        incarnation: identity.incarnation,
        rows_before,
        rows_moved,
        tables,
    })
}

/// Compares two databases that no server uses; changes nothing.
pub async fn verify(from: &Place, to: &Place, tell: Tell<'_>) -> Result<Vec<Compared>, Error> {
    refuse_the_same(from, to)?;
    let (mut source, one) = open_full(from).await.map_err(at("source"))?;
    let (mut target, other) = open_full(to).await.map_err(at("target"))?;
    if one != other {
        let text =
            "they are two different databases: neither was made from the other by `semel transfer`";
        return Err(Error::Unusable(text.to_owned()));
    }
    source.hold().await?;
    target.hold().await?;
    let plans = plans(&mut *source, &mut *target).await?;
    let total = count(&mut *source).await?;
    let (_, _, tables) = compare((source, target), &plans, total, tell).await?;
    Ok(tables)
}

/// Says which end it was.
fn at(end: &'static str) -> impl FnOnce(Error) -> Error {
    move |error| Error::Unusable(format!("the {end}: {}", error.chain()))
}

fn refuse_the_same(from: &Place, to: &Place) -> Result<(), Error> {
    let is_same = match (from, to) {
        (Place::Sqlite(one), Place::Sqlite(other)) => {
            one == other
                || one
                    .canonicalize()
                    .ok()
                    .is_some_and(|one| other.canonicalize().is_ok_and(|other| one == other))
        }
        // Two addresses may lead to the same database: a lock there tells.
        _ => false,
    };
    if is_same {
        let text = "--from and --to name the same database";
        return Err(Error::Unusable(text.to_owned()));
    }
    Ok(())
}

/// A database that has everything, and what makes it what it is.
async fn open_full(place: &Place) -> Result<(AnySide, Identity), Error> {
    let mut side: AnySide = match place {
        Place::Sqlite(directory) => Box::new(sqlite::End::source(directory)?),
        Place::Postgres(address) => Box::new(postgres::End::source(address).await?),
    };
    if side.filling().await?.is_some() {
        return Err(half_filled());
    }
    let empty = || Error::Unusable("it is empty: no server has used it yet".to_owned());
    let identity = side.identity().await?.ok_or_else(empty)?;
    Ok((side, identity))
}

async fn open_target(place: &Place) -> Result<AnySide, Error> {
    Ok(match place {
        Place::Sqlite(directory) => Box::new(sqlite::End::target(directory)?),
        Place::Postgres(address) => Box::new(postgres::End::target(address).await?),
    })
}

async fn begin(
    source: &mut dyn Side,
    target: &mut dyn Side,
    identity: &Identity,
    entropy: &dyn Entropy,
) -> Result<Filling, Error> {
    if target.identity().await?.is_some() {
        return Err(not_empty());
    }
    let filling = Filling {
        id: Uuid::from_u128(entropy.seed()).to_string(),
        table: TABLES[0].name.to_owned(),
        after: None,
        rows: 0,
    };
    source.leave(&filling.id).await?;
    target.begin(identity, &filling).await?;
    Ok(filling)
}

/// Whether an unfinished transfer may go on.
async fn goes_on(
    source: &mut dyn Side,
    target: &mut dyn Side,
    identity: &Identity,
    filling: &Filling,
) -> Result<(), Error> {
    if target.identity().await?.as_ref() != Some(identity) {
        let text = "the target is being filled from another database: name that one with --from";
        return Err(Error::Unusable(text.to_owned()));
    }
    if source.leaving().await?.as_ref() != Some(&filling.id) {
        return Err(changed());
    }
    Ok(())
}

fn changed() -> Error {
    let text = "a server has used the source since the transfer began, or another transfer has: take an empty target and \
                begin again";
    Error::Unusable(text.to_owned())
}

fn different(tables: &[Compared]) -> Error {
    let different = tables.iter().filter(|table| !table.is_same());
    let list: Vec<String> = different.map(ToString::to_string).collect();
    Error::Corrupt(format!(
        "the target is not the same as the source; take an empty target and begin again, and report it:\n{}",
        list.join("\n")
    ))
}

async fn count(side: &mut dyn Side) -> Result<u64, Error> {
    let mut total = 0;
    for table in TABLES {
        total += side.count(table).await?;
    }
    Ok(total)
}

impl Transfer<'_> {
    /// Moves what is not moved yet.
    async fn fill(self) -> Result<Self, Error> {
        let Self {
            source,
            mut target,
            plans,
            mut filling,
            total,
            tell,
        } = self;
        let at = plans
            .iter()
            .position(|plan| plan.table.name == filling.table);
        let at =
            at.ok_or_else(|| Error::Corrupt(format!("there is no table {}", filling.table)))?;
        let mut reading = Reading::start(source, plans.clone(), at, filling.after.clone());
        let mut failed = None;
        while let Some(page) = reading.next().await {
            let Some(last) = page.rows.last() else {
                continue;
            };
            let plan = &plans[page.at];
            let next = Filling {
                id: filling.id.clone(),
                table: plan.table.name.to_owned(),
                after: Some(plan.key_of(last)),
                rows: filling.rows + page.rows.len() as u64,
            };
            if let Err(error) = target.put(plan, &page.rows, &filling, &next).await {
                failed = Some(error);
                break;
            }
            filling = next;
            tell(Progress {
                what: "moving",
                done: filling.rows,
                total,
            });
            // Whoever waits for it may have had enough.
            tokio::task::yield_now().await;
        }
        let source = reading.end().await;
        match failed {
            Some(error) => Err(error),
            None => Ok(Self {
                source: source?,
                target,
                plans,
                filling,
                total,
                tell,
            }),
        }
    }
}
