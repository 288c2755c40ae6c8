//! Two people: one speaks and remembers every answer, the other one listens.

use std::sync::{Arc, Mutex};

use semel_client::{
    Address, Api, ApiError, IdMaker, NewThread, Note, Notes, Session, SessionOptions,
};
use semel_protocol::{
    Code, DeviceId, Message, MessageId, Seq, ThreadId, ThreadType, UserId,
    entry::EntryBody,
    limits,
    requests::{CreateOrGet, SendMessage},
};
use semel_testkit::{now, random, token};
use tokio::time::timeout;

use super::{PATIENCE, until};

/// What a speaker was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    /// It is stored.
    Acknowledged,
    /// It is not, or nobody knows.
    Refused(Code),
    /// The connection ended first.
    Unanswered,
}

/// Something said, and its place if it was acknowledged.
pub(crate) struct Line {
    pub(crate) body: SendMessage,
    pub(crate) place: Option<(MessageId, Seq)>,
}

/// A thread of two.
pub(crate) struct Room {
    pub(crate) address: Address,
    pub(crate) thread: ThreadId,
    pub(crate) lines: Vec<Line>,
    api: Api,
    ids: IdMaker,
    heard: Arc<Mutex<Vec<Message>>>,
    listener: Option<Session>,
}

impl Room {
    pub(crate) async fn open(address: &Address) -> Self {
        Self::open_for(address, "ann").await
    }

    pub(crate) async fn open_for(address: &Address, speaker: &str) -> Self {
        let listens = Api::new(address.clone(), &token("bob"));
        listens
            .get::<serde_json::Value>("/api/users/me")
            .await
            .unwrap();
        let api = Api::new(address.clone(), &token(speaker));
        let body = CreateOrGet {
            participants: vec![UserId::parse("bob").unwrap()],
            thread_type: Some(ThreadType::Direct),
            title: None,
            distinct: None,
            client_id: None,
        };
        let thread = api.create_or_get(&body).await.unwrap().data.thread.id;
        Self {
            address: address.clone(),
            thread,
            lines: Vec::new(),
            api,
            ids: IdMaker::new(random()),
            heard: Arc::default(),
            listener: None,
        }
    }

    /// From now on somebody listens. They get the whole log.
    pub(crate) fn listen(&mut self) {
        let (listener, notes) = Session::start(SessionOptions::to(
            &self.address,
            token("bob"),
            DeviceId("phone".to_owned()),
            NewThread::WholeLog,
            random() as u64,
        ));
        tokio::spawn(listen(notes, self.thread, Arc::clone(&self.heard)));
        self.listener = Some(listener);
    }

    /// Something to say that was not said yet.
    pub(crate) fn next_line(&mut self, content: &str) -> SendMessage {
        SendMessage {
            client_id: self.ids.next(now()),
            content: content.to_owned(),
            kind: None,
            reply_to: None,
            attachments: vec![],
        }
    }

    /// Says something once.
    pub(crate) async fn say(&mut self, content: &str) -> Said {
        let body = self.next_line(content);
        let answer = timeout(PATIENCE, self.api.send(self.thread, &body, None)).await;
        let (place, said) = match answer.expect("every call ends") {
            Ok(reply) => {
                let message = reply.data.message;
                (Some((message.id, message.seq)), Said::Acknowledged)
            }
            Err(ApiError::Refused(problem)) => (None, Said::Refused(problem.code)),
            Err(ApiError::Connection(_)) => (None, Said::Unanswered),
            Err(error) => panic!("{error:?}"),
        };
        self.lines.push(Line { body, place });
        said
    }

    /// How many were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.lines
            .iter()
            .filter(|line| line.place.is_some())
            .count()
    }

    /// How many the listener has.
    pub(crate) fn heard(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    /// The thread's messages. Its log must be dense.
    pub(crate) async fn log(&self) -> Vec<Message> {
        self.log_of(&self.api).await
    }

    /// The same, as somebody else's connection reads it.
    pub(crate) async fn log_of(&self, api: &Api) -> Vec<Message> {
        let (mut messages, mut head) = (Vec::<Message>::new(), 0);
        loop {
            let page = api.entries(self.thread, head, limits::PAGE_ENTRIES_MAX);
            let page = page.await.unwrap().data;
            for entry in page.entries {
                assert_eq!(entry.rev, head + 1);
                head += 1;
                if let EntryBody::Message { message } = entry.body {
                    assert_eq!(message.seq, messages.len() as Seq + 1);
                    messages.push(message);
                }
            }
            if !page.more {
                assert_eq!(page.head_rev, head);
                return messages;
            }
        }
    }

    /// What was acknowledged is there, once, at its place, and nothing that nobody said; what was not is there at most
    /// once, and a repeat finds it; after the repeats, the listener has exactly the log.
    pub(crate) async fn verify(&mut self) {
        if self.listener.is_none() {
            self.listen();
        }
        self.compare(&self.log().await);
        for line in &mut self.lines {
            let again = self.api.send(self.thread, &line.body, None).await.unwrap();
            let place = (again.data.message.id, again.data.message.seq);
            assert_eq!(*line.place.get_or_insert(place), place, "{:?}", line.body);
        }
        let log = self.log().await;
        self.compare(&log);
        assert_eq!(log.len(), self.lines.len());
        until("the listener has everything", async || {
            self.heard() >= log.len()
        })
        .await;
        let heard = self.heard.lock().unwrap();
        let place = |message: &Message| (message.seq, message.id);
        let (heard, log): (Vec<_>, Vec<_>) = (
            heard.iter().map(place).collect(),
            log.iter().map(place).collect(),
        );
        assert_eq!(heard, log);
    }

    fn compare(&self, log: &[Message]) {
        let mut stored: std::collections::HashMap<_, _> = log
            .iter()
            .map(|message| (message.client_id.unwrap(), message))
            .collect();
        assert_eq!(stored.len(), log.len(), "something is stored twice");
        for line in &self.lines {
            let message = stored.remove(&line.body.client_id);
            let Some(place) = line.place else { continue };
            let message = message.unwrap_or_else(|| panic!("lost: {:?}", line.body));
            assert_eq!((message.id, message.seq), place);
            assert_eq!(message.content, line.body.content);
        }
        assert!(stored.is_empty(), "nobody said {stored:?}");
    }
}

async fn listen(mut notes: Notes, thread: ThreadId, heard: Arc<Mutex<Vec<Message>>>) {
    while let Some(note) = notes.recv().await {
        if let Note::Entry(entry) = note
            && entry.thread_id == thread
            && let EntryBody::Message { message } = entry.body
        {
            heard.lock().unwrap().push(message);
        }
    }
}
