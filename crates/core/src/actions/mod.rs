//! Everything that people and operators do. One struct, one file, one pure function each.

mod blocks;
mod change_role;
mod change_thread;
mod check_existing;
mod create_or_get;
mod delete_message;
mod edit_message;
mod erasure;
mod expand;
mod export;
mod invites;
mod leave;
mod look_at_person;
mod make_thread;
mod mark_position;
mod membership;
mod name_contact;
mod operators;
mod people;
mod pictures;
mod profile;
mod prune_answers;
mod react;
mod remove_participant;
mod report;
mod send;
mod set_preferences;
pub mod sign_in;
mod start_conversation;
mod telling;
mod upsert_user;

use std::collections::BTreeSet;

pub use blocks::SetBlock;
pub use change_role::ChangeRole;
pub use change_thread::{ChangeThread, NewSettings};
pub use check_existing::CheckExisting;
pub use create_or_get::CreateOrGet;
pub use delete_message::DeleteMessage;
pub use edit_message::EditMessage;
pub use erasure::{Begin, BeginErasure, EraseStep, Portion};
pub use expand::Expand;
pub use export::StartExport;
pub use invites::{CreateInvite, Invited, JoinByInvite, LookAtInvite, RevokeInvite};
pub(crate) use invites::{links_into, links_of};
pub use leave::Leave;
pub use look_at_person::LookAtPerson;
pub use mark_position::MarkPosition;
pub use name_contact::NameContact;
pub use operators::{
    ByGrant, ExpelParticipant, RemoveMessage, Resolve, ResolveReport, SetOperator, SetStanding,
};
pub use pictures::{AddPicture, CountUpload};
pub use profile::{ChangeFindability, ChangeHandle, FindPerson, SoughtBy};
pub use prune_answers::PruneAnswers;
pub use react::React;
pub use remove_participant::RemoveParticipant;
pub use report::{Report, Reported};
use semel_protocol::{
    MessageId, PictureId, ReportId, SessionId, ThreadId, Timestamp, UserId, report::ReportOutcome,
};
pub use send::{Draft, Send, SendBatch};
pub use set_preferences::SetPreferences;
use sign_in::{
    AddSigningKey, ClaimChallenge, ClaimOperator, LeaseEffects, PruneSignIn, RevokeSessions,
    RotateSession, SettleEffect, SignedIn, StartChallenge, UnlinkIdentity, VerifyCode,
    VerifyProvider,
};
pub use start_conversation::StartConversation;
pub use telling::TellStep;
pub use upsert_user::UpsertUser;

use crate::{
    Context, Key, Refusal, Rows, Stop,
    people::FindabilityRow,
    ports::Renderer,
    row::{MessageRow, PreferencesRow, Standing, UserRow},
    view::{ContactView, ParticipantView, ThreadView},
};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Something a person does.
        #[derive(Clone, Debug)]
        pub enum Action {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for Action {
            fn from(action: $name) -> Self {
                Self::$name(action)
            }
        })*

        impl Action {
            /// The names of all.
            pub const NAMES: &[&str] = &[$(stringify!($name),)*];

            /// Its name, for logs and metrics.
            pub fn name(&self) -> &'static str {
                if let Self::ByGrant(by) = self {
                    return by.action.name();
                }
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// The keys that it can foresee, so that a whole batch is loaded at once.
            pub fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
                match self { $(Self::$name(action) => action.keys(actor, keys),)* }
            }

            /// Decides: changes rows or refuses.
            pub fn decide(
                &self,
                actor: &UserId,
                rows: &mut Rows,
                context: &Context<'_>,
                renderer: &dyn Renderer,
            ) -> Result<Outcome, Stop> {
                let scope = Scope { actor, context, renderer };
                match self { $(Self::$name(action) => action.decide(&scope, rows),)* }
            }
        }
    };
}

actions! {
    /// See [`AddPicture`].
    AddPicture,
    /// See [`CountUpload`].
    CountUpload,
    /// See [`ChangeRole`].
    ChangeRole,
    /// See [`ChangeThread`].
    ChangeThread,
    /// See [`CheckExisting`].
    CheckExisting,
    /// See [`CreateOrGet`].
    CreateOrGet,
    /// See [`DeleteMessage`].
    DeleteMessage,
    /// See [`EditMessage`].
    EditMessage,
    /// See [`Expand`].
    Expand,
    /// See [`CreateInvite`].
    CreateInvite,
    /// See [`JoinByInvite`].
    JoinByInvite,
    /// See [`LookAtInvite`].
    LookAtInvite,
    /// See [`RevokeInvite`].
    RevokeInvite,
    /// See [`Leave`].
    Leave,
    /// See [`LookAtPerson`].
    LookAtPerson,
    /// See [`MarkPosition`].
    MarkPosition,
    /// See [`PruneAnswers`].
    PruneAnswers,
    /// See [`React`].
    React,
    /// See [`RemoveParticipant`].
    RemoveParticipant,
    /// See [`Send`].
    Send,
    /// See [`SendBatch`].
    SendBatch,
    /// See [`RemoveMessage`].
    RemoveMessage,
    /// See [`SetStanding`].
    SetStanding,
    /// See [`ExpelParticipant`].
    ExpelParticipant,
    /// See [`SetOperator`].
    SetOperator,
    /// See [`ByGrant`].
    ByGrant,
    /// See [`Report`].
    Report,
    /// See [`BeginErasure`].
    BeginErasure,
    /// See [`EraseStep`].
    EraseStep,
    /// See [`TellStep`].
    TellStep,
    /// See [`StartExport`].
    StartExport,
    /// See [`ResolveReport`].
    ResolveReport,
    /// See [`SetBlock`].
    SetBlock,
    /// See [`SetPreferences`].
    SetPreferences,
    /// See [`NameContact`].
    NameContact,
    /// See [`StartConversation`].
    StartConversation,
    /// See [`UpsertUser`].
    UpsertUser,
    /// See [`ChangeFindability`].
    ChangeFindability,
    /// See [`ChangeHandle`].
    ChangeHandle,
    /// See [`FindPerson`].
    FindPerson,
    /// See [`AddSigningKey`].
    AddSigningKey,
    /// See [`ClaimChallenge`].
    ClaimChallenge,
    /// See [`ClaimOperator`].
    ClaimOperator,
    /// See [`LeaseEffects`].
    LeaseEffects,
    /// See [`PruneSignIn`].
    PruneSignIn,
    /// See [`RevokeSessions`].
    RevokeSessions,
    /// See [`RotateSession`].
    RotateSession,
    /// See [`SettleEffect`].
    SettleEffect,
    /// See [`StartChallenge`].
    StartChallenge,
    /// See [`UnlinkIdentity`].
    UnlinkIdentity,
    /// See [`VerifyCode`].
    VerifyCode,
    /// See [`VerifyProvider`].
    VerifyProvider,
}

/// Who decides what, when: the first argument of every rule.
pub(crate) struct Scope<'a> {
    pub(crate) actor: &'a UserId,
    pub(crate) context: &'a Context<'a>,
    pub(crate) renderer: &'a dyn Renderer,
}

/// A message and whether it was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The one message with this client id.
    pub message: MessageRow,
    /// Whether an earlier attempt stored it.
    pub duplicate: bool,
}

/// What an action brought, for its caller.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of [`CreateOrGet`].
    Thread {
        /// The thread.
        thread: Box<ThreadView>,
        /// Whether this call made it.
        created: bool,
        /// What told that it was there.
        absorbed: Option<Absorbed>,
    },
    /// Of [`CheckExisting`].
    Existing(Option<Box<ThreadView>>),
    /// Of [`StartConversation`].
    Conversation {
        /// The thread.
        thread: Box<ThreadView>,
        /// The message.
        sent: Box<Sent>,
        /// Whether the thread was there before.
        is_existing_thread: bool,
    },
    /// Of [`Expand`].
    Expanded {
        /// The thread.
        thread: Box<ThreadView>,
        /// Who came in.
        added: Vec<ParticipantView>,
        /// The welcome message.
        sent: Option<Box<Sent>>,
    },
    /// Of [`ChangeThread`], [`ChangeRole`], [`RemoveParticipant`].
    Changed(Box<ThreadView>),
    /// Of [`Leave`].
    Left(ThreadId),
    /// Of [`Send`].
    Sent(Box<Sent>),
    /// Of [`SendBatch`]: one result for each item.
    SentBatch(Vec<Result<Sent, Refusal>>),
    /// Of [`EditMessage`], [`DeleteMessage`], [`React`].
    Message(Box<MessageRow>),
    /// Of [`MarkPosition`].
    Position {
        /// Where.
        thread_id: ThreadId,
        /// The position now.
        read_seq: u64,
        /// Unread messages now.
        unread_count: u64,
    },
    /// Of [`UpsertUser`], [`ChangeHandle`] and [`LookAtPerson`].
    User {
        /// Who.
        user_id: UserId,
        /// The person.
        user: Box<UserRow>,
        /// Whether this call made them.
        created: bool,
    },
    /// Of [`SetBlock`], [`NameContact`] and [`SetPreferences`].
    Own(Own),
    /// Of [`PruneAnswers`]: how many went.
    Pruned(usize),
    /// Of [`ChangeFindability`].
    Findability(FindabilityRow),
    /// Of [`FindPerson`].
    Found(Option<Box<(UserId, UserRow)>>),
    /// Of [`SetStanding`].
    Standing {
        /// Whose.
        user_id: UserId,
        /// How they stand now.
        standing: Standing,
    },
    /// Of [`RemoveMessage`] and [`ExpelParticipant`].
    Removed,
    /// Of [`SetOperator`].
    Operator {
        /// Whose.
        user_id: UserId,
        /// Whether they are an operator now.
        is_operator: bool,
    },
    /// Of [`BeginErasure`].
    Erased {
        /// Who.
        user_id: UserId,
        /// Since when.
        at: Timestamp,
        /// Sign-ins that ended.
        ended: Vec<SessionId>,
    },
    /// Of [`EraseStep`].
    EraseStep {
        /// Whether it was the next one.
        is_taken: bool,
    },
    /// Of [`TellStep`].
    TellStep {
        /// Whether it was the next one.
        is_taken: bool,
    },
    /// Of [`StartExport`].
    ExportStarted,
    /// Of [`Report`]: the one report.
    Reported(ReportId),
    /// Of [`ResolveReport`].
    Resolved {
        /// Which.
        report_id: ReportId,
        /// What became of it.
        outcome: ReportOutcome,
        /// When.
        at: Timestamp,
        /// Who is suspended by it.
        suspended: Option<UserId>,
    },
    /// Of links that invite into groups.
    Invited(Invited),
    /// Of [`CountUpload`].
    UploadCounted,
    /// Of [`AddPicture`]: the one picture.
    Picture {
        /// Which.
        id: PictureId,
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// Whether this call made it.
        created: bool,
    },
    /// Of everything in [`sign_in`].
    SignedIn(SignedIn),
}

/// What became of something that is a person's own.
#[derive(Clone, Debug)]
pub enum Own {
    /// Of [`SetBlock`].
    Block {
        /// Whom.
        user_id: UserId,
        /// Whether they are blocked now.
        is_blocked: bool,
    },
    /// Of [`NameContact`].
    Contact(Box<ContactView>),
    /// Of [`SetPreferences`].
    Preferences {
        /// Where.
        thread_id: ThreadId,
        /// All of them, as they are now.
        preferences: PreferencesRow,
    },
}

/// Which guard absorbed a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absorbed {
    /// The client id was used before.
    ClientId,
    /// The set of people had its thread before.
    ParticipantsKey,
}

impl Outcome {
    /// Messages whose words the caller's answer has.
    pub fn message_ids(&self) -> BTreeSet<MessageId> {
        let last = |thread: &ThreadView| thread.last_message.as_ref().map(|message| message.id);
        match self {
            Self::Thread { thread, .. } | Self::Changed(thread) => {
                last(thread).into_iter().collect()
            }
            Self::Existing(thread) => thread.as_deref().and_then(last).into_iter().collect(),
            Self::Conversation { thread, sent, .. } => {
                last(thread).into_iter().chain([sent.message.id]).collect()
            }
            Self::Expanded { thread, sent, .. } => {
                let sent = sent.as_ref().map(|sent| sent.message.id);
                last(thread).into_iter().chain(sent).collect()
            }
            Self::Invited(invited) => invited.thread().and_then(last).into_iter().collect(),
            Self::Sent(sent) => [sent.message.id].into(),
            Self::SentBatch(results) => results
                .iter()
                .flatten()
                .map(|sent| sent.message.id)
                .collect(),
            Self::Message(message) => [message.id].into(),
            Self::Left(_)
            | Self::Position { .. }
            | Self::User { .. }
            | Self::Own(_)
            | Self::Pruned(_)
            | Self::Findability(_)
            | Self::Found(_)
            | Self::Standing { .. }
            | Self::Removed
            | Self::Operator { .. }
            | Self::Reported(_)
            | Self::Erased { .. }
            | Self::EraseStep { .. }
            | Self::TellStep { .. }
            | Self::ExportStarted
            | Self::UploadCounted
            | Self::Resolved { .. }
            | Self::Picture { .. }
            | Self::SignedIn(_) => BTreeSet::new(),
        }
    }

    /// Which guards absorbed repeats, once for each.
    pub fn absorbed(&self) -> Vec<Absorbed> {
        let client = |duplicate: bool| duplicate.then_some(Absorbed::ClientId);
        match self {
            Self::Thread { absorbed, .. } => absorbed.iter().copied().collect(),
            Self::Conversation {
                sent,
                is_existing_thread,
                ..
            } => {
                let key =
                    (*is_existing_thread && !sent.duplicate).then_some(Absorbed::ParticipantsKey);
                client(sent.duplicate).into_iter().chain(key).collect()
            }
            Self::Expanded { sent, .. } => client(sent.as_ref().is_some_and(|sent| sent.duplicate))
                .into_iter()
                .collect(),
            Self::Sent(sent) => client(sent.duplicate).into_iter().collect(),
            Self::SentBatch(results) => results
                .iter()
                .flatten()
                .filter_map(|sent| client(sent.duplicate))
                .collect(),
            _ => vec![],
        }
    }
}
