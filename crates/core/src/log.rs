//! Appending to a thread's log: the only place where rev and seq are given out.

use semel_protocol::{
    ClientId, MessageId, Rev, ThreadId, Timestamp, message::MessageKind, thread::Role,
};

use crate::{
    Rows, Stop,
    actions::Scope,
    chain::{ContentHash, content_hash},
    row::{EntryRow, Fact, HeadRow, MessageRow},
};

/// Words that come with an entry.
pub(crate) struct Words {
    pub(crate) kind: MessageKind,
    pub(crate) content: String,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) reply_to: Option<MessageId>,
}

impl Words {
    pub(crate) fn system(content: String) -> Self {
        Self {
            kind: MessageKind::System,
            content,
            client_id: None,
            reply_to: None,
        }
    }
}

/// Appends an entry that brings no message of its own; `content` are an edit's new words. Returns its place and time.
pub(crate) fn append(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    fact: Fact,
    content: &str,
) -> Result<(Rev, Timestamp), Stop> {
    let head = rows.head(id)?.clone();
    let (next, hash) = advance(scope, &head, None, &fact, content.as_bytes());
    let place = (next.last_rev, next.updated_at);
    store(scope, rows, id, next, None, fact, hash)?;
    Ok(place)
}

/// Appends an entry with a message. Returns the message.
pub(crate) fn append_message(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    fact: Fact,
    words: Words,
) -> Result<MessageRow, Stop> {
    let head = rows.head(id)?.clone();
    let message_id = scope.context.message_id(head.last_seq + 1);
    let said = words_hash(scope.context.content_key, &words.content, words.reply_to);
    let (mut next, hash) = advance(scope, &head, Some(message_id), &fact, &said);
    next.last_seq += 1;
    next.message_count += u64::from(words.kind != MessageKind::System);
    let message = MessageRow {
        id: message_id,
        thread_id: id,
        seq: next.last_seq,
        first_rev: next.last_rev,
        rev: next.last_rev,
        count: next.message_count,
        sender_id: scope.actor.clone(),
        client_id: words.client_id,
        kind: words.kind,
        content: words.content,
        reply_to: words.reply_to,
        reactions: Vec::new(),
        created_at: next.updated_at,
        edited_at: None,
        deleted_at: None,
        is_removed: false,
    };
    let seq = Some(message.seq);
    rows.put_message(message.clone());
    store(scope, rows, id, next, seq, fact, hash)?;
    Ok(message)
}

/// Hash of what somebody says: what makes a repeat a repeat.
pub(crate) fn words_hash(
    key: &[u8; 32],
    content: &str,
    reply_to: Option<MessageId>,
) -> ContentHash {
    let reply_to = reply_to.map(|id| id.0.into_bytes());
    let reply_to = reply_to.as_ref().map_or(&[][..], |bytes| &bytes[..]);
    content_hash(key, &[b"message", content.as_bytes(), reply_to])
}

/// The head after one more entry, and the hash of everything that the entry says: who did what, when, in which words.
/// So two logs that differ in anything differ in their chains, even where the words are the same.
fn advance(
    scope: &Scope<'_>,
    head: &HeadRow,
    message_id: Option<MessageId>,
    fact: &Fact,
    said: &[u8],
) -> (HeadRow, ContentHash) {
    let rev = head.last_rev + 1;
    // The wall clock may go back; a thread's times do not.
    let updated_at = head.updated_at.max(scope.context.now);
    let time = updated_at.0.to_be_bytes();
    let message_id = message_id.map(|id| id.0.into_bytes());
    let message_id = message_id.as_ref().map_or(&[][..], |bytes| &bytes[..]);
    let fact = fact_parts(fact);
    let mut parts = vec![message_id, scope.actor.as_str().as_bytes(), &time, said];
    parts.extend(fact.iter().map(Vec::as_slice));
    let hash = content_hash(scope.context.content_key, &parts);
    let next = HeadRow {
        last_rev: rev,
        chain: head.chain.next(rev, &hash),
        updated_at,
        ..head.clone()
    };
    (next, hash)
}

fn store(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    head: HeadRow,
    seq: Option<u64>,
    fact: Fact,
    content_hash: ContentHash,
) -> Result<(), Stop> {
    let epoch = rows.thread(id)?.map_or(1, |thread| thread.epoch);
    rows.append(EntryRow {
        thread_id: id,
        rev: head.last_rev,
        epoch,
        seq,
        fact,
        actor_id: scope.actor.clone(),
        created_at: head.updated_at,
        content_hash,
        chain: head.chain,
    });
    rows.heads.put(id, Some(head));
    Ok(())
}

fn fact_parts(fact: &Fact) -> Vec<Vec<u8>> {
    let number = |seq: &u64| seq.to_be_bytes().to_vec();
    let text = |text: &str| text.as_bytes().to_vec();
    let role = |role: &Role| {
        text(if *role == Role::Admin {
            "admin"
        } else {
            "participant"
        })
    };
    match fact {
        Fact::Message => vec![],
        Fact::MessageEdited(seq) => vec![text("edited"), number(seq)],
        Fact::MessageDeleted(seq) => vec![text("deleted"), number(seq)],
        Fact::ReactionAdded(seq, emoji) => vec![text("reacted"), number(seq), text(emoji)],
        Fact::ReactionRemoved(seq, emoji) => vec![text("unreacted"), number(seq), text(emoji)],
        Fact::ThreadCreated(people, title) | Fact::ParticipantsAdded(people, title) => {
            let people = people.iter().map(|who| text(who.as_str()));
            [text("people"), text(title.as_deref().unwrap_or(""))]
                .into_iter()
                .chain(people)
                .collect()
        }
        Fact::ParticipantRemoved(who, title) | Fact::ParticipantLeft(who, title) => {
            vec![
                text("went"),
                text(who.as_str()),
                text(title.as_deref().unwrap_or("")),
            ]
        }
        Fact::RoleChanged(who, to) => vec![text("role"), text(who.as_str()), role(to)],
        // Not whether it was chosen: what is in a log already has its chain.
        Fact::TitleChanged { title, .. } => {
            vec![text("title"), text(title.as_deref().unwrap_or(""))]
        }
        Fact::SettingsChanged(settings, description, picture) => vec![
            text("settings"),
            text(&format!("{settings:?}")),
            text(description.as_deref().unwrap_or("")),
            text(picture.as_deref().unwrap_or("")),
        ],
    }
}
