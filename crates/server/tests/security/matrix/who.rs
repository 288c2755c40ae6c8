//! Who there is, and what they may do.

/// Somebody, those who may do least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Without a token.
    Anonymous,
    /// A participant whose sign-in was ended.
    Revoked,
    /// A participant whom an operator has suspended.
    Suspended,
    /// A participant whose account was erased; a host application knew them.
    Erased,
    /// Signed in, and never in the thread.
    Stranger,
    /// Was in the thread when the message was said, and left.
    Former,
    /// Was in the thread when the message was said, and was taken out of it.
    Removed,
    /// Has an operator's token, and was never in the thread.
    Operator,
    /// In the thread.
    Participant,
    /// In the thread, and said the message.
    Author,
    /// Made the thread, and is its only admin.
    Admin,
}

/// All of them, in the order of a [`Policy`].
pub(super) const EVERYBODY: [Who; 11] = [
    Who::Anonymous,
    Who::Revoked,
    Who::Suspended,
    Who::Erased,
    Who::Stranger,
    Who::Former,
    Who::Removed,
    Who::Operator,
    Who::Participant,
    Who::Author,
    Who::Admin,
];

impl Who {
    /// Whether they sign in here, at the beginning and once for all.
    pub(super) fn signs_in(self) -> bool {
        !matches!(self, Self::Anonymous | Self::Erased)
    }
}

/// What each of [`EVERYBODY`] gets: `ok`, or the code of the refusal.
pub(super) type Policy = [&'static str; 11];

const NOBODY: &str = "unauthenticated";
const REVOKED: &str = "session_revoked";
const SUSPENDED: &str = "suspended";
const ERASED: &str = "erased";
const NOT_FOUND: &str = "not_found";
const FORBIDDEN: &str = "forbidden";

/// Everybody, with a token or without.
pub(super) const OPEN: Policy = ["ok"; 11];

/// Whoever is signed in, for themselves.
pub(super) const SIGNED_IN: Policy = signed_in("ok");

/// Whoever is signed in and was not taken out of the thread.
pub(super) const NOT_REMOVED: Policy = {
    let mut policy = SIGNED_IN;
    policy[Who::Removed as usize] = FORBIDDEN;
    policy
};

/// Who is in the thread.
pub(super) const PARTICIPANTS: Policy = inside(["ok", "ok", "ok"]);

/// Who is in the thread, or was.
pub(super) const PARTICIPANTS_AND_FORMER: Policy = {
    let mut policy = PARTICIPANTS;
    policy[Who::Former as usize] = "ok";
    policy[Who::Removed as usize] = "ok";
    policy
};

/// Admins of the thread.
pub(super) const ADMINS: Policy = inside([FORBIDDEN, FORBIDDEN, "ok"]);

/// Who said the message.
pub(super) const AUTHOR: Policy = inside([FORBIDDEN, "ok", FORBIDDEN]);

/// Who said the message, and admins of the thread.
pub(super) const AUTHOR_AND_ADMINS: Policy = inside([FORBIDDEN, "ok", "ok"]);

/// Who is in the thread, or was when the message was said, and did not say it themselves.
pub(super) const READERS: Policy = {
    let mut policy = inside(["ok", "invalid_request", "ok"]);
    policy[Who::Former as usize] = "ok";
    policy[Who::Removed as usize] = "ok";
    policy
};

/// Whoever has an operator's token.
pub(super) const OPERATORS: Policy = {
    let mut policy = signed_in(FORBIDDEN);
    policy[Who::Operator as usize] = "ok";
    policy
};

/// The one whose it is: `{session_id}` and `{phone}` are the admin's. Others do not learn that it is there.
pub(super) const OWNER: Policy = owner("ok");

/// The same, where the owner gets this.
pub(super) const fn owner(outcome: &'static str) -> Policy {
    let mut policy = signed_in(NOT_FOUND);
    policy[Who::Admin as usize] = outcome;
    policy
}

/// Everybody gets the same, with a token or without: made-up secrets open nothing for anybody.
pub(super) const fn all(outcome: &'static str) -> Policy {
    [outcome; 11]
}

/// Whoever is signed in gets the same.
pub(super) const fn signed_in(outcome: &'static str) -> Policy {
    let mut policy = [outcome; 11];
    policy[Who::Anonymous as usize] = NOBODY;
    policy[Who::Revoked as usize] = REVOKED;
    policy[Who::Suspended as usize] = SUSPENDED;
    policy[Who::Erased as usize] = ERASED;
    policy
}

const fn inside([participant, author, admin]: [&'static str; 3]) -> Policy {
    let mut policy = signed_in(NOT_FOUND);
    policy[Who::Participant as usize] = participant;
    policy[Who::Author as usize] = author;
    policy[Who::Admin as usize] = admin;
    policy
}
