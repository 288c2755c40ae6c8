//! Asking for the one thread of some people: what is asked, many at once, and what must come of it. Tests of several servers
//! ask the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Ids that contain what might separate them, one of which is the beginning of another.
pub(crate) const SEPARATORS: [&str; 5] = ["a", "a_b", "a,b", "a:b", "b|c"];

/// What is asked for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ask {
    CreateOrGet,
    StartConversation,
}

/// What a caller was told.
pub(crate) struct Told {
    pub(crate) thread: String,
    pub(crate) is_new: bool,
    pub(crate) seq: Option<u64>,
}

impl Ask {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::CreateOrGet => "/api/chat/create-or-get",
            Self::StartConversation => "/api/chat/start-conversation",
        }
    }

    /// The `n`-th request, by the `n`-th person of the set: in their order of it, with one twice.
    pub(crate) fn body(self, set: &[impl AsRef<str>], n: usize, client_id: &str) -> Value {
        let mut people: Vec<&str> = set.iter().map(AsRef::as_ref).collect();
        people.rotate_left(n % set.len());
        if n.is_multiple_of(3) {
            people.reverse();
            people.push(people[0]);
        }
        let kind = if set.len() == 2 { "direct" } else { "group" };
        let mut body = json!({"participants": people, "thread_type": kind});
        if self == Self::StartConversation {
            body["message_content"] = json!(format!("words {n}"));
            body["client_id"] = json!(client_id);
        }
        body
    }

    /// Reads an answer.
    pub(crate) fn told(self, status: u16, data: &Value) -> Told {
        let is_new = match self {
            Self::CreateOrGet => data["created"] == true,
            Self::StartConversation => data["is_existing_thread"] == false,
        };
        assert_eq!(status == 201, is_new, "{status}: {data}");
        Told {
            thread: data["thread"]["id"].as_str().unwrap().to_owned(),
            is_new,
            seq: data["message"]["seq"].as_u64(),
        }
    }
}

/// One thread, made by one of the calls; every message of theirs in it at a place of its own.
pub(crate) fn check(ask: Ask, told: &[Told], count: usize) {
    assert_eq!(told.len(), count);
    assert_eq!(told.iter().filter(|it| it.is_new).count(), 1, "{count}");
    assert!(told.iter().all(|it| it.thread == told[0].thread), "{count}");
    if ask == Ask::StartConversation {
        let seqs: BTreeSet<u64> = told.iter().map(|it| it.seq.unwrap()).collect();
        assert!(seqs.into_iter().eq(1..=count as u64), "{count}");
    }
}
