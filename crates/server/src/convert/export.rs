//! Lines of exports.

use base64::{Engine, prelude::BASE64_STANDARD};
use semel_core::{
    invites::InviteRow,
    people::HandleRow,
    pictures::{PictureBytesRow, PictureRow},
    queries::export::{Own, Seat},
    safety::ReportRow,
};
use semel_protocol::{
    InviteId, PictureId, ReportId, ThreadId,
    export::{
        ExportLine, ExportedThread, OwnHandle, OwnInvite, OwnPeriod, OwnPicture, OwnReaction,
        OwnReport,
    },
    picture,
};

use super::{message, preferences};

/// A picture, with what it shows.
pub fn own_picture(id: PictureId, row: &PictureRow, bytes: &PictureBytesRow) -> OwnPicture {
    OwnPicture {
        picture: picture::address(id),
        created_at: row.created_at,
        expires_at: row.expires_at,
        media_type: bytes.form.media_type().to_owned(),
        content: BASE64_STANDARD.encode(&bytes.bytes),
    }
}

/// A handle that somebody has, or had lately.
pub fn own_handle(handle: &str, row: &HandleRow) -> OwnHandle {
    OwnHandle {
        handle: handle.to_owned(),
        taken_at: row.created_at,
        kept_until: row.expires_at,
    }
}

/// A link, without its token.
pub fn own_invite(invite_id: InviteId, row: &InviteRow) -> OwnInvite {
    OwnInvite {
        invite_id,
        thread_id: row.thread_id,
        created_at: row.created_at,
        expires_at: row.expires_at,
        uses_max: row.uses_max,
        uses: row.uses,
    }
}

/// What somebody said, or put under a message, in a thread.
pub fn own_line(thread_id: ThreadId, own: &Own) -> ExportLine {
    match own {
        Own::Said(row) => ExportLine::Message(message(row)),
        Own::Reacted(message_id, emoji) => ExportLine::Reaction(OwnReaction {
            thread_id,
            message_id: *message_id,
            emoji: emoji.clone(),
        }),
    }
}

/// A thread that somebody is or was in. What it is called is told to who is in it.
pub fn exported_thread(seat: &Seat) -> ExportedThread {
    let is_in = seat.seat.is_active();
    let periods = seat.seat.periods.iter().zip(&seat.left_at);
    let periods = periods.map(|(period, left_at)| OwnPeriod {
        from_seq: period.from_seq,
        until_seq: period.until_seq,
        left_at: *left_at,
    });
    ExportedThread {
        thread_id: seat.thread.id,
        thread_type: seat.thread.thread_type,
        title: seat.thread.title.clone().filter(|_| is_in),
        is_in,
        is_removed: seat.seat.is_removed,
        joined_at: seat.joined_at,
        periods: periods.collect(),
        role: seat.seat.role,
        read_seq: seat.position.read_seq,
        delivered_seq: seat.position.delivered_seq,
        hidden_seq: seat.seat.hidden_seq,
        preferences: preferences(&seat.seat.preferences),
    }
}

/// A report, for the one who made it: without what was said, which may not be theirs to read any more.
pub fn own_report(report_id: ReportId, row: &ReportRow) -> OwnReport {
    let about = row.evidence.as_ref();
    OwnReport {
        report_id,
        at: row.at,
        user_id: row.user_id.clone(),
        thread_id: about.map(|it| it.thread_id),
        message_id: about.map(|it| it.message_id),
        reason: row.reason,
        details: row.details.clone(),
    }
}
