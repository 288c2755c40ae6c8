//! Pictures of people and groups: they come, and they are kept as long as somebody has them.

use std::sync::Arc;

use semel_protocol::{
    PictureId, Timestamp, UserId,
    limits::{PICTURE_UNUSED_HOURS, PICTURES_PER_PERSON_DAY_MAX, UPLOADS_PER_PERSON_DAY_MAX},
    picture,
};
use uuid::Uuid;

use super::{
    Outcome, Scope,
    sign_in::{Budget, spend},
};
use crate::{
    Key, Refusal, Rows, Stop,
    chain::content_hash,
    pictures::{PictureBytesRow, PictureForm, PictureRow},
    plain::PlainKey,
};

const HOUR_MS: i64 = 3_600_000;

/// Counts an upload before it is read, so often in a day: reading takes more work than anything else, whatever comes of it.
#[derive(Clone, Debug)]
pub struct CountUpload;

impl CountUpload {
    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(uploads(actor).key());
    }

    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        spend(rows, &[uploads(scope.actor)], scope.context.now)?;
        Ok(Outcome::UploadCounted)
    }
}

fn uploads(who: &UserId) -> Budget {
    Budget {
        name: format!("uploads of {who}"),
        max: UPLOADS_PER_PERSON_DAY_MAX,
        period_ms: 24 * HOUR_MS,
    }
}

/// Keeps a picture that was read and encoded anew. There is one of a person and of what it shows: a repeat brings the first one,
/// which is kept from then on as a new one is.
#[derive(Clone)]
pub struct AddPicture {
    /// How it is encoded.
    pub form: PictureForm,
    /// As this server encoded it.
    pub bytes: Arc<[u8]>,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl std::fmt::Debug for AddPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AddPicture of {} bytes", self.bytes.len())
    }
}

impl AddPicture {
    /// The id follows from a key that is not known here; the budget makes a person's uploads wait for each other.
    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(budget(actor).key());
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let (now, id) = (scope.context.now, self.id(scope));
        rows.budget(&budget(scope.actor).name)?;
        let before = rows.picture(id)?.cloned();
        let created = before.is_none();
        let row = if let Some(row) = before {
            let expires_at = row.expires_at.map(|_| expiry(now));
            PictureRow { expires_at, ..row }
        } else {
            spend(rows, &[budget(scope.actor)], now)?;
            let bytes = PictureBytesRow {
                form: self.form,
                bytes: Arc::clone(&self.bytes),
            };
            rows.picture_bytes.put(id, Some(bytes));
            PictureRow {
                owner_id: scope.actor.clone(),
                created_at: now,
                uses: 0,
                expires_at: Some(expiry(now)),
            }
        };
        rows.pictures.put(id, Some(row));
        Ok(Outcome::Picture {
            id,
            width: self.width,
            height: self.height,
            created,
        })
    }

    /// All 128 bits are of a hash whose key is secret.
    fn id(&self, scope: &Scope<'_>) -> PictureId {
        let owner = scope.actor.as_str().as_bytes();
        let form = self.form.media_type().as_bytes();
        let parts = [b"picture".as_slice(), owner, form, &self.bytes];
        let hash = content_hash(scope.context.content_key, &parts);
        PictureId(Uuid::from_bytes(hash))
    }
}

fn expiry(now: Timestamp) -> Timestamp {
    Timestamp(now.0 + PICTURE_UNUSED_HOURS * HOUR_MS)
}

/// What is kept of pictures that nobody has is bounded by this, too.
fn budget(who: &UserId) -> Budget {
    Budget {
        name: format!("pictures of {who}"),
        max: PICTURES_PER_PERSON_DAY_MAX,
        period_ms: 24 * HOUR_MS,
    }
}

/// The row of a picture that somebody or a group is to have, to be foreseen.
pub(super) fn key(text: Option<&String>) -> Option<Key> {
    let id = picture::at_address(text?)?;
    Some(Key::Plain(PlainKey::Picture(id)))
}

/// Pictures go at once, apart from those that somebody has.
pub(super) fn drop_unused(rows: &mut Rows, ids: &[PictureId]) -> Result<(), Stop> {
    let found = Rows::gather(ids, |id| {
        let row = rows.picture(*id)?;
        Ok(row.is_some_and(|row| row.uses == 0).then_some(*id))
    })?;
    for id in found.into_iter().flatten() {
        rows.pictures.put(id, None);
        rows.picture_bytes.put(id, None);
    }
    Ok(())
}

/// A person or a group has another picture now. Of those that this server keeps, the new one must be one that the actor uploaded,
/// and the old one may go when nobody has it any more.
pub(super) fn change(
    scope: &Scope<'_>,
    rows: &mut Rows,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), Stop> {
    if before == after {
        return Ok(());
    }
    let [old, new] = [before, after].map(|text| text.and_then(picture::at_address));
    let found = Rows::gather([old, new].into_iter().flatten(), |id| {
        Ok((id, rows.picture(id)?.cloned()))
    })?;
    for (id, row) in found {
        let is_new = new == Some(id);
        let is_theirs = |row: &PictureRow| !is_new || row.owner_id == *scope.actor;
        let Some(row) = row.filter(is_theirs) else {
            if is_new {
                let detail = "there is no such picture of yours here: upload it first";
                return Err(Refusal::invalid("/picture", detail).into());
            }
            continue;
        };
        let uses = if is_new {
            row.uses + 1
        } else {
            row.uses.saturating_sub(1)
        };
        let expires_at = (uses == 0).then(|| expiry(scope.context.now));
        let row = PictureRow {
            uses,
            expires_at,
            ..row
        };
        rows.pictures.put(id, Some(row));
    }
    Ok(())
}
