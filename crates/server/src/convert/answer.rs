//! What callers get: data with a status, in an envelope.

use std::fmt::Write;

use semel_core::{
    Answer, Refusal, Reply,
    actions::{Invited, Outcome, Own, Sent, sign_in::SignedIn},
    row::Standing,
};
use semel_protocol::{
    entry::EntryPage,
    export::ErasureResult,
    invite::{InviteList, InviteResult, JoinResult, LookAtInviteResult, RevokeInviteResult},
    message::{MessagePage, SendResult},
    operator::{AuditPage, OperatorList, OperatorResult, StandingResult},
    picture::{self, PictureResult},
    report::{ReportPage, ReportResult, ResolveResult},
    sign_in::{Done, IdentityList, RevokeResult, SessionList},
    thread::{
        BatchItem, BatchResult, CheckExistingResult, CreateOrGetResult, ExpandResult, LeaveResult,
        MessageResult, ParticipantPage, PreferencesResult, ReadResult, StartConversationResult,
        ThreadPage, ThreadResult,
    },
    user::{
        Block, BlockPage, ContactPage, ContactResult, FindResult, FindabilityResult, UserResult,
    },
};
use serde::Serialize;

use super::{
    contact, findability, from_refusal, invite::invited, message, participant, preferences, thread,
    user,
};

/// `data` of every answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each is named and documented in the protocol")]
pub enum Data {
    Audit(AuditPage),
    Standing(StandingResult),
    Operator(OperatorResult),
    Operators(OperatorList),
    Erased(ErasureResult),
    Reported(ReportResult),
    Reports(ReportPage),
    Resolved(ResolveResult),
    CheckExisting(CheckExistingResult),
    Block(Block),
    Blocks(BlockPage),
    Contact(ContactResult),
    Contacts(ContactPage),
    CreateOrGet(CreateOrGetResult),
    Entries(EntryPage),
    Expand(ExpandResult),
    Invite(InviteResult),
    Invites(InviteList),
    InviteRevoked(RevokeInviteResult),
    LookAtInvite(LookAtInviteResult),
    Join(JoinResult),
    Leave(LeaveResult),
    Message(MessageResult),
    Messages(MessagePage),
    Participants(ParticipantPage),
    Preferences(PreferencesResult),
    Picture(PictureResult),
    Pruned { removed: usize },
    Read(ReadResult),
    Done(Done),
    Identities(IdentityList),
    Revoked(RevokeResult),
    Sessions(SessionList),
    Send(SendResult),
    SendBatch(BatchResult),
    StartConversation(StartConversationResult),
    Thread(ThreadResult),
    Threads(ThreadPage),
    User(UserResult),
    Findability(FindabilityResult),
    Found(FindResult),
}

/// The envelope of every success.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Success<T> {
    /// `success`.
    #[schema(value_type = String, example = "success")]
    pub status: &'static str,
    /// What happened.
    pub data: T,
}

/// What the caller of a command gets: status, bytes and, where something was made, where it can be had.
pub fn answer(result: &Result<Outcome, Refusal>, request_id: &str) -> Answer {
    match result {
        Ok(Outcome::Invited(Invited::Nothing)) => refused(&Refusal::not_found(), request_id),
        Ok(outcome) => {
            let (is_new, location) = made(outcome);
            let body = envelope(&data(outcome, request_id));
            let status = if is_new { 201 } else { 200 };
            Answer {
                status,
                body,
                location: location.filter(|_| is_new),
            }
        }
        Err(refusal) => refused(refusal, request_id),
    }
}

fn refused(refusal: &Refusal, request_id: &str) -> Answer {
    let problem = from_refusal(refusal, request_id);
    Answer {
        status: problem.status,
        body: bytes(&problem),
        location: None,
    }
}

/// `{"status":"success","data":…}`.
pub fn envelope(data: &Data) -> Vec<u8> {
    bytes(&Success {
        status: "success",
        data,
    })
}

/// The acknowledgement of a Socket.IO event, as JSON: the same values as over HTTP, in its envelope.
///
/// # Panics
/// When a stored answer is no text: only text is stored.
pub fn ack(reply: Reply, request_id: &str) -> String {
    let answer = match (reply.answer, &reply.result) {
        (Some(answer), _) => answer,
        (None, Some(result)) => answer(result, request_id),
        (None, None) => unreachable!("a reply has a result or a stored answer"),
    };
    let json = if answer.status < 400 {
        answer.body
    } else {
        error_ack(&answer.body)
    };
    String::from_utf8(json).expect("JSON is UTF-8")
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire types are plain JSON")
}

fn error_ack(problem: &[u8]) -> Vec<u8> {
    [br#"{"status":"error","error":"#.as_slice(), problem, b"}"].concat()
}

/// Whether something was made, and where it can be had.
fn made(outcome: &Outcome) -> (bool, Option<String>) {
    let address = |id| Some(format!("/api/chat/threads/{id}"));
    match outcome {
        Outcome::Thread {
            thread, created, ..
        } => (*created, address(thread.thread.id)),
        Outcome::Conversation {
            thread,
            is_existing_thread,
            ..
        } => (!is_existing_thread, address(thread.thread.id)),
        Outcome::Sent(sent) => {
            let (thread, seq) = (sent.message.thread_id, sent.message.seq);
            let location = format!("/api/chat/threads/{thread}/messages?around_seq={seq}&limit=1");
            (!sent.duplicate, Some(location))
        }
        Outcome::Invited(Invited::Made(_, row)) => {
            let location = format!("/api/chat/threads/{}/invites", row.thread_id);
            (true, Some(location))
        }
        Outcome::User {
            user_id, created, ..
        } => (
            *created,
            Some(format!("/api/users/{}", path_segment(user_id.as_str()))),
        ),
        Outcome::Picture { id, created, .. } => (*created, Some(picture::address(*id))),
        _ => (false, None),
    }
}

/// A text as one segment of a path (RFC 3986): user ids may contain anything.
fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => write!(segment, "%{byte:02X}").expect("a string takes all"),
        }
    }
    segment
}

fn data(outcome: &Outcome, request_id: &str) -> Data {
    match outcome {
        Outcome::Thread {
            thread: view,
            created,
            ..
        } => Data::CreateOrGet(CreateOrGetResult {
            thread: thread(view),
            created: *created,
        }),
        Outcome::Existing(view) => Data::CheckExisting(CheckExistingResult {
            exists: view.is_some(),
            thread: view.as_deref().map(thread),
        }),
        Outcome::Conversation {
            thread: view,
            sent,
            is_existing_thread,
        } => Data::StartConversation(StartConversationResult {
            thread: thread(view),
            message: message(&sent.message),
            is_existing_thread: *is_existing_thread,
        }),
        Outcome::Expanded {
            thread: view,
            added,
            sent,
        } => Data::Expand(ExpandResult {
            thread: thread(view),
            added_participants: added.iter().map(participant).collect(),
            new_title: view.title.clone(),
            message: sent.as_ref().map(|sent| message(&sent.message)),
        }),
        Outcome::Changed(view) => Data::Thread(ThreadResult {
            thread: thread(view),
        }),
        Outcome::Own(own) => own_data(own),
        Outcome::Invited(it) => invited(it),
        Outcome::Left(thread_id) => Data::Leave(LeaveResult {
            thread_id: *thread_id,
        }),
        Outcome::Sent(sent) => Data::Send(send_result(sent)),
        Outcome::SentBatch(results) => {
            let item = |result| batch_item(result, request_id);
            Data::SendBatch(BatchResult {
                results: results.iter().map(item).collect(),
            })
        }
        Outcome::Message(row) => Data::Message(MessageResult {
            message: message(row),
        }),
        Outcome::Position {
            thread_id,
            read_seq,
            unread_count,
        } => Data::Read(ReadResult {
            thread_id: *thread_id,
            read_seq: *read_seq,
            unread_count: *unread_count,
        }),
        other => of_people(other),
    }
}

/// What is not of threads.
fn of_people(outcome: &Outcome) -> Data {
    match outcome {
        Outcome::User {
            user_id, user: row, ..
        } => Data::User(UserResult {
            user: user(user_id, row),
        }),
        Outcome::Findability(row) => Data::Findability(FindabilityResult {
            findability: findability(*row),
        }),
        Outcome::Found(found) => Data::Found(FindResult {
            user: found.as_deref().map(|(id, row)| user(id, row)),
        }),
        Outcome::Standing { user_id, standing } => Data::Standing(StandingResult {
            user_id: user_id.clone(),
            suspended_at: match standing {
                Standing::Good | Standing::Erased(_) => None,
                Standing::Suspended(since) => Some(*since),
            },
        }),
        Outcome::Operator {
            user_id,
            is_operator,
        } => Data::Operator(OperatorResult {
            user_id: user_id.clone(),
            is_operator: *is_operator,
        }),
        Outcome::Erased { user_id, at, .. } => Data::Erased(ErasureResult {
            user_id: user_id.clone(),
            erased_at: *at,
        }),
        Outcome::Reported(report_id) => Data::Reported(ReportResult {
            report_id: *report_id,
        }),
        Outcome::Resolved {
            report_id,
            outcome,
            at,
            ..
        } => Data::Resolved(ResolveResult {
            report_id: *report_id,
            outcome: *outcome,
            resolved_at: *at,
        }),
        Outcome::Picture {
            id, width, height, ..
        } => Data::Picture(PictureResult {
            picture: picture::address(*id),
            width: *width,
            height: *height,
        }),
        Outcome::Pruned(removed) => Data::Pruned { removed: *removed },
        Outcome::SignedIn(SignedIn::Revoked(ids)) => Data::Revoked(RevokeResult {
            session_ids: ids.clone(),
        }),
        // What else signing in brings is answered where it is asked for, and never stored.
        _ => Data::Done(Done { done: true }),
    }
}

fn own_data(own: &Own) -> Data {
    match own {
        Own::Block {
            user_id,
            is_blocked,
        } => Data::Block(Block {
            user_id: user_id.clone(),
            blocked: *is_blocked,
        }),
        Own::Contact(view) => Data::Contact(ContactResult {
            contact: contact(view),
        }),
        Own::Preferences {
            thread_id,
            preferences: row,
        } => Data::Preferences(PreferencesResult {
            thread_id: *thread_id,
            preferences: preferences(row),
        }),
    }
}

fn send_result(sent: &Sent) -> SendResult {
    SendResult {
        message: message(&sent.message),
        duplicate: sent.duplicate,
    }
}

fn batch_item(result: &Result<Sent, Refusal>, request_id: &str) -> BatchItem {
    match result {
        Ok(sent) => BatchItem::Success {
            data: send_result(sent),
        },
        Err(refusal) => BatchItem::Error {
            error: from_refusal(refusal, request_id),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_become_one_segment_of_a_path() {
        assert_eq!(path_segment("a/b?é"), "a%2Fb%3F%C3%A9");
    }
}
