//! Rows of signing in. Nothing secret lies in them in the clear: codes are keyed hashes, refresh tokens follow from
//! a key that is not in the database, and what has to be read again is sealed by the server.

use semel_protocol::{SessionId, Timestamp, UserId};

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// A phone number, as E.164.
    Phone,
    /// An e-mail address, in lower case.
    Email,
    /// A person of an `OpenID` provider: issuer and subject.
    Oidc,
}

/// One of the ways to be known: (kind, value) belongs to one person.
pub type IdentityKey = (IdentityKind, String);

/// Whose an identity is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    /// Whose.
    pub user_id: UserId,
    /// What people see of it: the number, the address, the provider's name.
    pub label: String,
    /// When it was shown that a phone or an address is theirs; none: a provider did not say so.
    pub verified_at: Option<Timestamp>,
    /// Since when it is theirs.
    pub created_at: Timestamp,
}

/// A sign-in that somebody began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRow {
    /// What has to be shown.
    pub kind: IdentityKind,
    /// The number, the address, the provider's name.
    pub value: String,
    /// For whom, when it is to be linked; none: a sign-in.
    pub link_to: Option<UserId>,
    /// Keyed hash of what is secret: the code, or what binds a provider's answer to a browser.
    pub secret_hash: [u8; 32],
    /// What the server needs again, sealed by it; empty when it needs nothing.
    pub sealed: Vec<u8>,
    /// Guesses that were compared; of what a provider confirms, whether its answer was taken up.
    pub tries: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// From when on it counts no more.
    pub expires_at: Timestamp,
    /// When it was used: once.
    pub used_at: Option<Timestamp>,
    /// What it brought.
    pub session_id: Option<SessionId>,
}

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Who.
    pub user_id: UserId,
    /// How.
    pub kind: IdentityKind,
    /// The device's name for itself.
    pub device_id: Option<String>,
    /// Its name for people.
    pub device_name: Option<String>,
    /// From this and the server's key follow its refresh tokens.
    pub salt: [u8; 16],
    /// Which of them counts now.
    pub generation: u64,
    /// Since when.
    pub rotated_at: Timestamp,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// A key that signs access tokens, for all servers of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// The public half.
    pub public: Vec<u8>,
    /// The private half, sealed by the server.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs no more.
    pub signs_until: Timestamp,
    /// From when on what it signed counts no more.
    pub expires_at: Timestamp,
}

/// Something to be done outside: written with what it follows from, done by a worker, at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRow {
    /// How.
    pub kind: EffectKind,
    /// What, sealed by the server.
    pub sealed: Vec<u8>,
    /// How often it was tried.
    pub attempts: u64,
    /// When it is to be done. Who takes it moves this: nobody else does it meanwhile.
    pub due_at: Timestamp,
    /// From when on it is of no use.
    pub expires_at: Timestamp,
}

/// How something is done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// A message to a phone.
    Phone,
    /// An e-mail.
    Email,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetRow {
    /// How often.
    pub count: u64,
    /// When counting begins anew.
    pub expires_at: Timestamp,
}

/// Somebody who runs this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorRow {
    /// Since when.
    pub created_at: Timestamp,
}
