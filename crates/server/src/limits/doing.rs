//! Who does what, as far as it is counted.

use semel_core::actions::Action;
use semel_protocol::{SessionId, UserId};

use crate::{auth::Caller, hub::Device};

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Changes something, over HTTP or a socket.
    Action,
    /// Asks something, over HTTP or a socket; without a token, by address.
    Read,
    /// Tells others something that is not kept: typing, presence.
    Notice,
    /// Connects, by person.
    Connect,
    /// Begins a connection, by address.
    Handshake,
    /// Signs in or out, or asks for tokens again, by address.
    SignIn,
}

impl Class {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Read => "read",
            Self::Notice => "notice",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::SignIn => "sign_in",
        }
    }

    /// The same of one device, for what devices have limits of their own for.
    pub(super) fn name_of_device(self) -> Option<&'static str> {
        match self {
            Self::Action => Some("device_action"),
            Self::Read => Some("device_read"),
            Self::Notice => Some("device_notice"),
            Self::Connect | Self::Handshake | Self::SignIn => None,
        }
    }
}

/// What kind of call or event it is, apart from its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Most are.
    Usual,
    /// Reaches people or groups with whom one has nothing to do yet, or tries to.
    Reaching,
    /// Takes much work: bytes that are read or written in large numbers.
    Heavy,
}

impl Kind {
    /// By what an action does, so that it is the same over HTTP and a socket.
    pub fn of(action: &Action) -> Self {
        match action {
            Action::ByGrant(by) => Self::of(&by.action),
            Action::CreateOrGet(_)
            | Action::StartConversation(_)
            | Action::Expand(_)
            | Action::CreateInvite(_)
            | Action::LookAtInvite(_)
            | Action::JoinByInvite(_)
            | Action::LookAtPerson(_)
            | Action::FindPerson(_)
            | Action::ChangeHandle(_)
            | Action::Report(_) => Self::Reaching,
            Action::CountUpload(_) | Action::AddPicture(_) | Action::StartExport(_) => Self::Heavy,
            _ => Self::Usual,
        }
    }
}

/// Something that counts.
#[derive(Clone, Copy, Debug)]
pub struct Doing {
    pub(super) class: Class,
    pub(super) kind: Kind,
    pub(super) count: usize,
}

impl Doing {
    /// Asks something.
    pub const READ: Self = Self::one(Class::Read, Kind::Usual);
    /// Asks for everything of one's own.
    pub const EXPORT: Self = Self::one(Class::Read, Kind::Heavy);
    /// Brings bytes.
    pub const UPLOAD: Self = Self::one(Class::Action, Kind::Heavy);
    /// Tells others something that is not kept.
    pub const NOTICE: Self = Self::one(Class::Notice, Kind::Usual);
    /// Connects.
    pub const CONNECT: Self = Self::one(Class::Connect, Kind::Usual);

    /// Changes something; a batch counts for each of its messages.
    pub fn action(action: &Action) -> Self {
        let count = match action {
            Action::SendBatch(batch) => batch.drafts.len(),
            _ => 1,
        };
        Self {
            class: Class::Action,
            kind: Kind::of(action),
            count,
        }
    }

    const fn one(class: Class, kind: Kind) -> Self {
        let count = 1;
        Self { class, kind, count }
    }
}

/// Who does it.
#[derive(Clone, Copy, Debug)]
pub struct Doer<'a> {
    /// The person.
    pub user_id: &'a UserId,
    /// Their device, as it is known by its sign-in; none with a token of a host application, which says nothing of devices.
    pub session_id: Option<SessionId>,
}

impl<'a> From<&'a Caller> for Doer<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self {
            user_id: &caller.user_id,
            session_id: caller.session_id,
        }
    }
}

impl<'a> From<&'a Device> for Doer<'a> {
    fn from(device: &'a Device) -> Self {
        Self {
            user_id: &device.user_id,
            session_id: device.session_id,
        }
    }
}
