//! Plain rows: a key and columns, with nothing that follows from anything else. Every engine keeps all of them in one way, and
//! a batch that looks for one has it alone, there or not.

use semel_protocol::{
    AuditId, ChallengeId, InviteId, PictureId, ReportId, SessionId, ThreadId, Timestamp, UserId,
};
use uuid::Uuid;

use crate::{
    safety::{ReportPlace, ReportSubject},
    sign_in::IdentityKind,
};

/// Names a plain row, or a list of such names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlainKey {
    /// [`IdentityRow`](crate::sign_in::IdentityRow).
    Identity(IdentityKind, String),
    /// [`ChallengeRow`](crate::sign_in::ChallengeRow).
    Challenge(ChallengeId),
    /// [`SessionRow`](crate::sign_in::SessionRow).
    Session(SessionId),
    /// [`SigningKeyRow`](crate::sign_in::SigningKeyRow).
    SigningKey(String),
    /// [`EffectRow`](crate::sign_in::EffectRow).
    Effect(Uuid),
    /// [`BudgetRow`](crate::sign_in::BudgetRow).
    Budget(String),
    /// [`OperatorRow`](crate::sign_in::OperatorRow).
    Operator(UserId),
    /// [`HandleRow`](crate::people::HandleRow).
    Handle(String),
    /// [`FindabilityRow`](crate::people::FindabilityRow).
    Findability(UserId),

    /// [`AuditRow`](crate::safety::AuditRow).
    Audit(AuditId),
    /// [`ErasureRow`](crate::erasure::ErasureRow).
    Erasure(UserId),
    /// [`TellingRow`](crate::telling::TellingRow).
    Telling(UserId),
    /// [`ReportRow`](crate::safety::ReportRow).
    Report(ReportId),
    /// [`PictureRow`](crate::pictures::PictureRow).
    Picture(PictureId),
    /// [`PictureBytesRow`](crate::pictures::PictureBytesRow).
    PictureBytes(PictureId),
    /// For lists only, a person: their row is asked for by [`Key::User`](crate::Key::User).
    Person(UserId),

    /// [`BlockRow`](crate::row::BlockRow): the first has blocked the second.
    Block(UserId, UserId),

    /// [`InviteRow`](crate::invites::InviteRow).
    Invite(InviteId),

    /// List: the invite links of a thread, newest first.
    InvitesOf(ThreadId),
    /// List: up to so many pictures that somebody uploaded, by id, after the one given.
    PicturesOf(UserId, Option<PictureId>, usize),
    /// List: the handles that somebody has, or had lately.
    HandlesOf(UserId),
    /// List: the identities of a person.
    IdentitiesOf(UserId),
    /// List: the sessions of a person that were not ended.
    SessionsOf(UserId),
    /// List: up to so many whom a person has blocked, by id, after the one given.
    BlocksOf(UserId, Option<UserId>, usize),
    /// List: by whom a person is blocked.
    BlockersOf(UserId),
    /// List: sessions that were ended after a time.
    RevokedSince(Timestamp),
    /// List: people whose standing changed after a time, unless it is good.
    StandingSince(Timestamp),
    /// List: up to so much of what operators did, apart from what others did to a person, newest first, before the one given.
    AuditBefore(UserId, Option<AuditId>, usize),
    /// List: up to so much of what somebody did as an operator, in its order, after the one given.
    AuditBy(UserId, Option<AuditId>, usize),
    /// List: what somebody reported about a subject; one at most.
    ReportOf(UserId, ReportSubject),
    /// List: up to so many reports, apart from those about a person: the open ones first, after the place given.
    ReportsAfter(UserId, Option<ReportPlace>, usize),
    /// List: up to so many reports that somebody made, by id, after the one given.
    ReportsBy(UserId, Option<ReportId>, usize),
    /// List: up to so many people who are being erased, and whose next step is due at a time.
    ErasuresDue(Timestamp, usize),
    /// List: up to so many people whose profile is being told, and whose next step is due at a time.
    TellingsDue(Timestamp, usize),
    /// List: up to so many people who run this server, by id.
    Operators(usize),
    /// List: all signing keys.
    SigningKeys,
    /// List: up to so many effects that are due at a time.
    EffectsDue(Timestamp, usize),
    /// List: up to so many rows of any kind that are of no use any more at a time.
    Expired(Timestamp, usize),
}

impl PlainKey {
    /// Whether it asks for a list of keys.
    pub fn is_list(&self) -> bool {
        match self {
            Self::Identity(..)
            | Self::Challenge(_)
            | Self::Session(_)
            | Self::SigningKey(_)
            | Self::Effect(_)
            | Self::Budget(_)
            | Self::Operator(_)
            | Self::Handle(_)
            | Self::Findability(_)
            | Self::Audit(_)
            | Self::Report(_)
            | Self::Erasure(_)
            | Self::Telling(_)
            | Self::Picture(_)
            | Self::PictureBytes(_)
            | Self::Person(_)
            | Self::Block(..)
            | Self::Invite(_) => false,
            Self::InvitesOf(_)
            | Self::PicturesOf(..)
            | Self::HandlesOf(_)
            | Self::IdentitiesOf(_)
            | Self::SessionsOf(_)
            | Self::BlocksOf(..)
            | Self::BlockersOf(_)
            | Self::RevokedSince(_)
            | Self::StandingSince(_)
            | Self::AuditBefore(..)
            | Self::AuditBy(..)
            | Self::ReportOf(..)
            | Self::ReportsAfter(..)
            | Self::ReportsBy(..)
            | Self::ErasuresDue(..)
            | Self::TellingsDue(..)
            | Self::Operators(_)
            | Self::SigningKeys
            | Self::EffectsDue(..)
            | Self::Expired(..) => true,
        }
    }
}
