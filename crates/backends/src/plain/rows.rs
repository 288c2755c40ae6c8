//! Each kind of row: its table, and its columns in their order.

use semel_core::{
    Rows,
    erasure::ErasureRow,
    invites::InviteRow,
    people::{FindabilityRow, HandleRow},
    pictures::{PictureBytesRow, PictureRow},
    plain::PlainKey,
    row::BlockRow,
    safety::{AuditRow, ReportRow},
    sign_in::{
        BudgetRow, ChallengeRow, EffectKind, EffectRow, IdentityKey, IdentityKind, IdentityRow,
        OperatorRow, SessionRow, SigningKeyRow,
    },
    telling::TellingRow,
};
use semel_protocol::{AuditId, ChallengeId, InviteId, ReportId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::{
    Cell, Cells, Form,
    Kind::{self, Bytes, Integer, Text},
    invites::INVITES,
    people::{ERASURES, FINDABILITY, HANDLES, TELLINGS},
    pictures::{PICTURE_BYTES, PICTURES, picture_id},
    safety::{AUDIT, REPORTS},
};
use crate::{
    Error,
    codec::{Named, corrupt, parse_user},
};

/// A row that is stored in a table of its own.
pub(super) trait Stored: Sized {
    type Key;
    const FORM: &'static Form;
    fn key(key: &Self::Key) -> Vec<Cell>;
    fn cells(&self) -> Vec<Cell>;
    fn read(cells: &mut Cells) -> Result<Self, Error>;
}

pub(super) const fn form(
    table: &'static str,
    keys: &'static [(&'static str, Kind)],
    columns: &'static [(&'static str, Kind)],
) -> Form {
    Form {
        table,
        keys,
        columns,
    }
}

pub(super) const IDENTITIES: Form = form(
    "identities",
    &[("kind", Text), ("value", Text)],
    &[
        ("user_id", Text),
        ("label", Text),
        ("verified_at", Integer),
        ("created_at", Integer),
    ],
);
pub(super) const CHALLENGES: Form = form(
    "challenges",
    &[("id", Bytes)],
    &[
        ("kind", Text),
        ("value", Text),
        ("link_to", Text),
        ("secret_hash", Bytes),
        ("sealed", Bytes),
        ("tries", Integer),
        ("created_at", Integer),
        ("expires_at", Integer),
        ("used_at", Integer),
        ("session_id", Bytes),
    ],
);
pub(super) const SESSIONS: Form = form(
    "sessions",
    &[("id", Bytes)],
    &[
        ("user_id", Text),
        ("kind", Text),
        ("device_id", Text),
        ("device_name", Text),
        ("salt", Bytes),
        ("generation", Integer),
        ("rotated_at", Integer),
        ("created_at", Integer),
        ("expires_at", Integer),
        ("revoked_at", Integer),
    ],
);
pub(super) const SIGNING_KEYS: Form = form(
    "signing_keys",
    &[("name", Text)],
    &[
        ("public", Bytes),
        ("sealed", Bytes),
        ("created_at", Integer),
        ("signs_until", Integer),
        ("expires_at", Integer),
    ],
);
pub(super) const EFFECTS: Form = form(
    "effects",
    &[("id", Bytes)],
    &[
        ("kind", Text),
        ("sealed", Bytes),
        ("attempts", Integer),
        ("due_at", Integer),
        ("expires_at", Integer),
    ],
);
pub(super) const BUDGETS: Form = form(
    "budgets",
    &[("name", Text)],
    &[("count", Integer), ("expires_at", Integer)],
);
pub(super) const OPERATORS: Form = form(
    "operators",
    &[("user_id", Text)],
    &[("created_at", Integer)],
);

pub(super) const BLOCKS: Form = form(
    "blocks",
    &[("user_id", Text), ("blocked_id", Text)],
    &[("since", Integer)],
);

pub(super) fn time(cells: &mut Cells) -> Result<Timestamp, Error> {
    cells.integer().map(Timestamp)
}

pub(super) fn time_or_none(cells: &mut Cells) -> Result<Option<Timestamp>, Error> {
    Ok(cells.integer_or_none()?.map(Timestamp))
}

pub(super) fn uuid(bytes: &[u8]) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| corrupt("an id", "of another length"))
}

impl Stored for IdentityRow {
    type Key = IdentityKey;
    const FORM: &'static Form = &IDENTITIES;

    fn key((kind, value): &IdentityKey) -> Vec<Cell> {
        vec![kind.name().into(), value.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.user_id.as_str().into(),
            self.label.as_str().into(),
            self.verified_at.map(|time| time.0).into(),
            self.created_at.0.into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            user_id: parse_user(&cells.text()?)?,
            label: cells.text()?,
            verified_at: time_or_none(cells)?,
            created_at: time(cells)?,
        })
    }
}

impl Stored for ChallengeRow {
    type Key = ChallengeId;
    const FORM: &'static Form = &CHALLENGES;

    fn key(id: &ChallengeId) -> Vec<Cell> {
        vec![id.0.as_bytes()[..].into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.kind.name().into(),
            self.value.as_str().into(),
            self.link_to.as_ref().map(UserId::as_str).into(),
            self.secret_hash[..].into(),
            self.sealed[..].into(),
            (self.tries as i64).into(),
            self.created_at.0.into(),
            self.expires_at.0.into(),
            self.used_at.map(|time| time.0).into(),
            self.session_id
                .as_ref()
                .map(|id| &id.0.as_bytes()[..])
                .into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            kind: IdentityKind::named(&cells.text()?)?,
            value: cells.text()?,
            link_to: cells
                .text_or_none()?
                .map(|id| parse_user(&id))
                .transpose()?,
            secret_hash: cells.array()?,
            sealed: cells.bytes()?,
            tries: cells.integer()? as u64,
            created_at: time(cells)?,
            expires_at: time(cells)?,
            used_at: time_or_none(cells)?,
            session_id: match cells.bytes_or_none()? {
                Some(bytes) => Some(SessionId(uuid(&bytes)?)),
                None => None,
            },
        })
    }
}

impl Stored for SessionRow {
    type Key = SessionId;
    const FORM: &'static Form = &SESSIONS;

    fn key(id: &SessionId) -> Vec<Cell> {
        vec![id.0.as_bytes()[..].into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.user_id.as_str().into(),
            self.kind.name().into(),
            self.device_id.as_deref().into(),
            self.device_name.as_deref().into(),
            self.salt[..].into(),
            (self.generation as i64).into(),
            self.rotated_at.0.into(),
            self.created_at.0.into(),
            self.expires_at.0.into(),
            self.revoked_at.map(|time| time.0).into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            user_id: parse_user(&cells.text()?)?,
            kind: IdentityKind::named(&cells.text()?)?,
            device_id: cells.text_or_none()?,
            device_name: cells.text_or_none()?,
            salt: cells.array()?,
            generation: cells.integer()? as u64,
            rotated_at: time(cells)?,
            created_at: time(cells)?,
            expires_at: time(cells)?,
            revoked_at: time_or_none(cells)?,
        })
    }
}

impl Stored for SigningKeyRow {
    type Key = String;
    const FORM: &'static Form = &SIGNING_KEYS;

    fn key(name: &String) -> Vec<Cell> {
        vec![name.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.public[..].into(),
            self.sealed[..].into(),
            self.created_at.0.into(),
            self.signs_until.0.into(),
            self.expires_at.0.into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            public: cells.bytes()?,
            sealed: cells.bytes()?,
            created_at: time(cells)?,
            signs_until: time(cells)?,
            expires_at: time(cells)?,
        })
    }
}

impl Stored for EffectRow {
    type Key = Uuid;
    const FORM: &'static Form = &EFFECTS;

    fn key(id: &Uuid) -> Vec<Cell> {
        vec![id.as_bytes()[..].into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.kind.name().into(),
            self.sealed[..].into(),
            (self.attempts as i64).into(),
            self.due_at.0.into(),
            self.expires_at.0.into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            kind: EffectKind::named(&cells.text()?)?,
            sealed: cells.bytes()?,
            attempts: cells.integer()? as u64,
            due_at: time(cells)?,
            expires_at: time(cells)?,
        })
    }
}

impl Stored for BudgetRow {
    type Key = String;
    const FORM: &'static Form = &BUDGETS;

    fn key(name: &String) -> Vec<Cell> {
        vec![name.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![(self.count as i64).into(), self.expires_at.0.into()]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            count: cells.integer()? as u64,
            expires_at: time(cells)?,
        })
    }
}

impl Stored for OperatorRow {
    type Key = UserId;
    const FORM: &'static Form = &OPERATORS;

    fn key(who: &UserId) -> Vec<Cell> {
        vec![who.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![self.created_at.0.into()]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            created_at: time(cells)?,
        })
    }
}

impl Stored for BlockRow {
    type Key = (UserId, UserId);
    const FORM: &'static Form = &BLOCKS;

    fn key((by, who): &(UserId, UserId)) -> Vec<Cell> {
        vec![by.as_str().into(), who.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![self.since.0.into()]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            since: time(cells)?,
        })
    }
}

pub(super) fn place(key: &PlainKey) -> Option<(&'static Form, Vec<Cell>)> {
    Some(match key {
        PlainKey::Identity(kind, value) => (&IDENTITIES, IdentityRow::key(&(*kind, value.clone()))),
        PlainKey::Challenge(id) => (&CHALLENGES, ChallengeRow::key(id)),
        PlainKey::Session(id) => (&SESSIONS, SessionRow::key(id)),
        PlainKey::SigningKey(name) => (&SIGNING_KEYS, SigningKeyRow::key(name)),
        PlainKey::Effect(id) => (&EFFECTS, EffectRow::key(id)),
        PlainKey::Budget(name) => (&BUDGETS, BudgetRow::key(name)),
        PlainKey::Operator(who) => (&OPERATORS, OperatorRow::key(who)),
        PlainKey::Handle(handle) => (&HANDLES, HandleRow::key(handle)),
        PlainKey::Findability(who) => (&FINDABILITY, FindabilityRow::key(who)),
        PlainKey::Audit(id) => (&AUDIT, AuditRow::key(id)),
        PlainKey::Report(id) => (&REPORTS, ReportRow::key(id)),
        PlainKey::Erasure(who) => (&ERASURES, ErasureRow::key(who)),
        PlainKey::Telling(who) => (&TELLINGS, TellingRow::key(who)),
        PlainKey::Invite(id) => (&INVITES, InviteRow::key(id)),
        PlainKey::Picture(id) => (&PICTURES, PictureRow::key(id)),
        PlainKey::PictureBytes(id) => (&PICTURE_BYTES, PictureBytesRow::key(id)),
        PlainKey::Block(by, who) => (&BLOCKS, BlockRow::key(&(by.clone(), who.clone()))),
        _ => return None,
    })
}

pub(super) fn key_of(form: &Form, cells: &mut Cells) -> Result<PlainKey, Error> {
    Ok(match form.table {
        "identities" => PlainKey::Identity(IdentityKind::named(&cells.text()?)?, cells.text()?),
        "challenges" => PlainKey::Challenge(ChallengeId(uuid(&cells.bytes()?)?)),
        "sessions" => PlainKey::Session(SessionId(uuid(&cells.bytes()?)?)),
        "signing_keys" => PlainKey::SigningKey(cells.text()?),
        "effects" => PlainKey::Effect(uuid(&cells.bytes()?)?),
        "budgets" => PlainKey::Budget(cells.text()?),
        "operators" => PlainKey::Operator(parse_user(&cells.text()?)?),
        "handles" => PlainKey::Handle(cells.text()?),
        "findability" => PlainKey::Findability(parse_user(&cells.text()?)?),
        "audit" => PlainKey::Audit(AuditId(uuid(&cells.bytes()?)?)),
        "reports" => PlainKey::Report(ReportId(uuid(&cells.bytes()?)?)),
        "erasures" => PlainKey::Erasure(parse_user(&cells.text()?)?),
        "tellings" => PlainKey::Telling(parse_user(&cells.text()?)?),
        "invites" => PlainKey::Invite(InviteId(uuid(&cells.bytes()?)?)),
        "pictures" => PlainKey::Picture(picture_id(&cells.text()?)?),
        "picture_bytes" => PlainKey::PictureBytes(picture_id(&cells.text()?)?),
        "users" => PlainKey::Person(parse_user(&cells.text()?)?),
        "blocks" => PlainKey::Block(parse_user(&cells.text()?)?, parse_user(&cells.text()?)?),
        other => return Err(corrupt("a plain table", other)),
    })
}

pub(super) fn found(key: &PlainKey, cells: Option<Cells>, rows: &mut Rows) -> Result<(), Error> {
    fn read<V: Stored>(cells: Option<Cells>) -> Result<Option<V>, Error> {
        cells.map(|mut cells| V::read(&mut cells)).transpose()
    }
    match key {
        PlainKey::Identity(kind, value) => {
            rows.identities.load((*kind, value.clone()), read(cells)?);
        }
        PlainKey::Challenge(id) => rows.challenges.load(*id, read(cells)?),
        PlainKey::Session(id) => rows.sessions.load(*id, read(cells)?),
        PlainKey::SigningKey(name) => rows.signing_keys.load(name.clone(), read(cells)?),
        PlainKey::Effect(id) => rows.effects.load(*id, read(cells)?),
        PlainKey::Budget(name) => rows.budgets.load(name.clone(), read(cells)?),
        PlainKey::Operator(who) => rows.operators.load(who.clone(), read(cells)?),
        PlainKey::Handle(handle) => rows.handles.load(handle.clone(), read(cells)?),
        PlainKey::Findability(who) => rows.findability.load(who.clone(), read(cells)?),
        PlainKey::Audit(id) => rows.audit.load(*id, read(cells)?),
        PlainKey::Report(id) => rows.reports.load(*id, read(cells)?),
        PlainKey::Erasure(who) => rows.erasures.load(who.clone(), read(cells)?),
        PlainKey::Telling(who) => rows.tellings.load(who.clone(), read(cells)?),
        PlainKey::Invite(id) => rows.invites.load(*id, read(cells)?),
        PlainKey::Picture(id) => rows.pictures.load(*id, read(cells)?),
        PlainKey::PictureBytes(id) => rows.picture_bytes.load(*id, read(cells)?),
        PlainKey::Block(by, who) => {
            rows.blocks.load((by.clone(), who.clone()), read(cells)?);
        }
        list => return Err(Error::Corrupt(format!("{list:?} is no row"))),
    }
    Ok(())
}
