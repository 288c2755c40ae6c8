//! Between rows and columns: what is the same in every engine.
//!
//! The names and JSON forms below are on people's disks: they never change their meaning.

use semel_core::{
    pictures::PictureForm,
    row::{Fact, Period, Side, Standing, Subject},
    safety::Deed,
    sign_in::{EffectKind, IdentityKind},
};
use semel_protocol::{
    MessageId, Seq, ThreadId, Timestamp, UserId,
    message::MessageKind,
    report::{ReportOutcome, ReportReason},
    thread::{Allowed, History, Role, ThreadSettings, ThreadType},
    user::FoundBy,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;

/// Something with a fixed name in the database.
pub(crate) trait Named: Sized + Copy {
    fn name(self) -> &'static str;
    fn named(name: &str) -> Result<Self, Error>;
}

macro_rules! named {
    ($($type:ident { $($variant:ident = $name:literal),* $(,)? })*) => {$(
        impl Named for $type {
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn named(name: &str) -> Result<Self, Error> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    other => Err(corrupt(stringify!($type), other)),
                }
            }
        }
    )*};
}

named! {
    ThreadType { Direct = "direct", Group = "group", SelfNote = "self" }
    Role { Admin = "admin", Participant = "participant" }
    History { All = "all", Joined = "joined" }
    Allowed { Everyone = "everyone", Admins = "admins" }
    MessageKind { Text = "text", System = "system" }
    FoundBy { Everybody = "everybody", Contacts = "contacts", Nobody = "nobody" }
    IdentityKind { Phone = "phone", Email = "email", Oidc = "oidc" }
    Side { Blocks = "blocks", IsBlocked = "is_blocked", Both = "both" }
    EffectKind { Phone = "phone", Email = "email" }
    Deed {
        Suspend = "suspend", Lift = "lift", RemoveMessage = "remove_message",
        RemoveParticipant = "remove_participant", ResolveReport = "resolve_report", ClaimOperator = "claim_operator",
        GrantOperator = "grant_operator", WithdrawOperator = "withdraw_operator",
        ErasePerson = "erase_person",
    }
    ReportReason {
        Spam = "spam", Harassment = "harassment", Violence = "violence", Hate = "hate", Sexual = "sexual",
        Fraud = "fraud", Other = "other",
    }
    PictureForm { Jpeg = "jpeg", Png = "png" }
    ReportOutcome { NoAction = "no_action", MessageRemoved = "message_removed", Suspended = "suspended" }
}

/// How a person stands, and since when.
pub(crate) fn encode_standing(standing: Standing) -> (Option<&'static str>, Option<i64>) {
    match standing {
        Standing::Good => (None, None),
        Standing::Suspended(since) => (Some("suspended"), Some(since.0)),
        Standing::Erased(since) => (Some("erased"), Some(since.0)),
    }
}

pub(crate) fn decode_standing(
    name: Option<&str>,
    since: Option<Timestamp>,
) -> Result<Standing, Error> {
    match (name, since) {
        (None, _) => Ok(Standing::Good),
        (Some("suspended"), Some(since)) => Ok(Standing::Suspended(since)),
        (Some("erased"), Some(since)) => Ok(Standing::Erased(since)),
        (Some(other), _) => Err(corrupt("a standing", other)),
    }
}

pub(crate) fn corrupt(what: &str, value: &str) -> Error {
    Error::Corrupt(format!("{what} cannot be {value:?}"))
}

/// Facts of an entry, as JSON. Which fields are there follows from the entry's type.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactData {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_ids: Option<Vec<UserId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_is_automatic: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    posting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    naming: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

/// The type and data of an entry.
pub(crate) fn encode_fact(fact: &Fact) -> Result<(&'static str, Option<String>), Error> {
    let about = |seq: &Seq| FactData {
        message_seq: Some(*seq),
        ..FactData::default()
    };
    let people = |ids: Vec<UserId>, title: &Option<String>| FactData {
        user_ids: Some(ids),
        title: title.clone(),
        ..FactData::default()
    };
    let (name, data) = match fact {
        Fact::Message => return Ok(("message", None)),
        Fact::MessageEdited(seq) => ("message_edited", about(seq)),
        Fact::MessageDeleted(seq) => ("message_deleted", about(seq)),
        Fact::ReactionAdded(seq, emoji) => (
            "reaction_added",
            FactData {
                emoji: Some(emoji.clone()),
                ..about(seq)
            },
        ),
        Fact::ReactionRemoved(seq, emoji) => (
            "reaction_removed",
            FactData {
                emoji: Some(emoji.clone()),
                ..about(seq)
            },
        ),
        Fact::ThreadCreated(ids, title) => ("thread_created", people(ids.clone(), title)),
        Fact::ParticipantsAdded(ids, title) => ("participants_added", people(ids.clone(), title)),
        Fact::ParticipantRemoved(id, title) => {
            ("participant_removed", people(vec![id.clone()], title))
        }
        Fact::ParticipantLeft(id, title) => ("participant_left", people(vec![id.clone()], title)),
        Fact::RoleChanged(id, role) => {
            let role = Some(role.name().to_owned());
            (
                "role_changed",
                FactData {
                    role,
                    ..people(vec![id.clone()], &None)
                },
            )
        }
        Fact::TitleChanged {
            title,
            is_automatic,
        } => (
            "title_changed",
            FactData {
                title: title.clone(),
                title_is_automatic: is_automatic.then_some(true),
                ..FactData::default()
            },
        ),
        Fact::SettingsChanged(settings, description, picture) => {
            let data = FactData {
                history: Some(settings.history.name().to_owned()),
                posting: Some(settings.posting.name().to_owned()),
                adding: Some(settings.adding.name().to_owned()),
                naming: Some(settings.naming.name().to_owned()),
                description: description.clone(),
                picture: picture.clone(),
                ..FactData::default()
            };
            ("settings_changed", data)
        }
    };
    Ok((name, Some(json(&data)?)))
}

/// The fact that a type and data tell.
pub(crate) fn decode_fact(name: &str, data: Option<&str>) -> Result<Fact, Error> {
    if name == "message" {
        return Ok(Fact::Message);
    }
    let missing = || corrupt("data of an entry", data.unwrap_or_default());
    let data: FactData = parse(data.ok_or_else(missing)?)?;
    let seq = data.message_seq.ok_or_else(missing);
    let emoji = data.emoji.ok_or_else(missing);
    let people = data.user_ids.ok_or_else(missing);
    let person =
        |people: Result<Vec<UserId>, Error>| people?.into_iter().next().ok_or_else(missing);
    let fact = match name {
        "message_edited" => Fact::MessageEdited(seq?),
        "message_deleted" => Fact::MessageDeleted(seq?),
        "reaction_added" => Fact::ReactionAdded(seq?, emoji?),
        "reaction_removed" => Fact::ReactionRemoved(seq?, emoji?),
        "thread_created" => Fact::ThreadCreated(people?, data.title),
        "participants_added" => Fact::ParticipantsAdded(people?, data.title),
        "participant_removed" => Fact::ParticipantRemoved(person(people)?, data.title),
        "participant_left" => Fact::ParticipantLeft(person(people)?, data.title),
        "role_changed" => {
            let role = Role::named(&data.role.ok_or_else(missing)?)?;
            Fact::RoleChanged(person(people)?, role)
        }
        "title_changed" => Fact::TitleChanged {
            title: data.title,
            is_automatic: data.title_is_automatic.unwrap_or(false),
        },
        "settings_changed" => {
            // Entries from before there was a choice: only admins added and named.
            let allowed = |name: Option<String>| {
                name.map_or(Ok(Allowed::Admins), |name| Allowed::named(&name))
            };
            let settings = ThreadSettings {
                history: History::named(&data.history.ok_or_else(missing)?)?,
                posting: Allowed::named(&data.posting.ok_or_else(missing)?)?,
                adding: allowed(data.adding)?,
                naming: allowed(data.naming)?,
            };
            Fact::SettingsChanged(settings, data.description, data.picture)
        }
        other => return Err(corrupt("type of an entry", other)),
    };
    Ok(fact)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPeriod {
    from_seq: u64,
    from_rev: u64,
    until_seq: Option<u64>,
    until_rev: Option<u64>,
}

/// When somebody was in a thread.
pub(crate) fn encode_periods(periods: &[Period]) -> Result<String, Error> {
    let stored = periods.iter().map(|period| StoredPeriod {
        from_seq: period.from_seq,
        from_rev: period.from_rev,
        until_seq: period.until_seq,
        until_rev: period.until_rev,
    });
    json(&stored.collect::<Vec<_>>())
}

/// The same, back.
pub(crate) fn decode_periods(text: &str) -> Result<Vec<Period>, Error> {
    let stored: Vec<StoredPeriod> = parse(text)?;
    Ok(stored
        .into_iter()
        .map(|period| Period {
            from_seq: period.from_seq,
            from_rev: period.from_rev,
            until_rev: period.until_rev,
            until_seq: period.until_seq,
        })
        .collect())
}

/// Emoji and who; nothing when there are none, as for most messages.
pub(crate) fn encode_reactions(
    reactions: &[(String, Vec<UserId>)],
) -> Result<Option<String>, Error> {
    if reactions.is_empty() {
        Ok(None)
    } else {
        json(&reactions).map(Some)
    }
}

/// The same, back.
pub(crate) fn decode_reactions(text: Option<&str>) -> Result<Vec<(String, Vec<UserId>)>, Error> {
    text.map_or_else(|| Ok(Vec::new()), parse)
}

/// Name and id of what a line of a person's own log is about.
pub(crate) fn encode_subject(subject: &Subject) -> (&'static str, &[u8]) {
    match subject {
        Subject::Read(thread) => ("read", thread.0.as_bytes()),
        Subject::Thread(thread) => ("thread", thread.0.as_bytes()),
        Subject::Contact(who) => ("contact", who.as_str().as_bytes()),
        Subject::Block(who) => ("block", who.as_str().as_bytes()),
        Subject::BlockedBy(who) => ("blocked_by", who.as_str().as_bytes()),
        Subject::Profile(who) => ("profile", who.as_str().as_bytes()),
    }
}

/// The same, back.
pub(crate) fn decode_subject(name: &str, id: &[u8]) -> Result<Subject, Error> {
    let thread = || {
        Uuid::from_slice(id)
            .map(ThreadId)
            .map_err(|_| corrupt("subject", name))
    };
    let person = || {
        let text = std::str::from_utf8(id).map_err(|_| corrupt("subject", name))?;
        parse_user(text)
    };
    match name {
        "read" => thread().map(Subject::Read),
        "thread" => thread().map(Subject::Thread),
        "contact" => person().map(Subject::Contact),
        "block" => person().map(Subject::Block),
        "blocked_by" => person().map(Subject::BlockedBy),
        "profile" => person().map(Subject::Profile),
        other => Err(corrupt("subject", other)),
    }
}

/// Ids one after another.
pub(crate) fn encode_ids(ids: &[MessageId]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.0.as_bytes()).collect()
}

/// The same, back.
pub(crate) fn decode_ids(bytes: &[u8]) -> Result<Vec<MessageId>, Error> {
    let ids = bytes
        .chunks(16)
        .map(|id| Uuid::from_slice(id).map(MessageId));
    ids.collect::<Result<_, _>>()
        .map_err(|_| corrupt("message ids", "of another length"))
}

/// A person's id as it is stored.
pub(crate) fn parse_user(text: &str) -> Result<UserId, Error> {
    UserId::parse(text).map_err(|_| corrupt("a user id", text))
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt(format!("write JSON: {error}")))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("read JSON: {error}")))
}
