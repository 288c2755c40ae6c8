//! The three ways to write.

use std::{collections::HashMap, sync::Arc, time::Duration};

use semel_client::{Client, Destination, NewThread, Note, Notes, Session, SessionOptions};
use semel_protocol::{
    DeviceId, Message, Rev, ThreadId,
    message::SendResult,
    requests::SendMessage,
    socket::{Ack, SendOne, from_client},
};
use semel_testkit::{now, random};
use tokio::time::sleep;

use super::{Line, Memory, Writer};

/// Pause before trying a server again that is not there.
const PAUSE: Duration = Duration::from_millis(20);

/// Sends again, with the same client id, until the server acknowledges.
pub(super) async fn patient(writer: Writer, memory: Arc<Memory>) {
    let options = SessionOptions::to(
        &writer.address,
        writer.token.clone(),
        DeviceId(format!("patient-{}", writer.number)),
        NewThread::WholeLog,
        random() as u64,
    );
    let (session, notes) = Session::start(options);
    let watcher = tokio::spawn(watch(notes, Arc::clone(&memory), writer.number));
    let mut ids = Writer::ids();
    for line in lines(&writer) {
        if memory.is_over() {
            break;
        }
        let client_id = ids.next(now());
        let to = Destination::Thread(line.thread);
        let stored = session.send(to, client_id, line.content.clone()).await;
        let message = stored.expect("nothing that is sent is refused").message;
        memory.remember(Line {
            client_id,
            place: Some(place(&message)),
            ..line
        });
    }
    session.stop().await;
    watcher.await.unwrap();
}

/// Sends once. Whether it arrived when there is no answer: who knows.
pub(super) async fn hasty(writer: Writer, memory: Arc<Memory>) {
    let mut ids = Writer::ids();
    let mut open: Option<Client> = None;
    for line in lines(&writer) {
        if memory.is_over() {
            break;
        }
        let client = match open.take() {
            Some(client) => client,
            None => connect(&writer).await,
        };
        let client_id = ids.next(now());
        let send = SendOne {
            thread_id: line.thread,
            client_id,
            content: line.content.clone(),
            kind: None,
            reply_to: None,
            attachments: vec![],
        };
        let answer = client
            .emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &send)
            .await;
        let place = match answer {
            Ok(Ack::Success { data }) => Some(place(&data.message)),
            Ok(Ack::Error { error }) => {
                assert!(error.code.is_retryable(), "refused: {error:?}");
                None
            }
            Err(_) => None,
        };
        memory.remember(Line {
            client_id,
            place,
            ..line
        });
        open = place.map(|_| client);
    }
}

/// Sends over HTTP with an idempotency key until there is an answer.
pub(super) async fn keyed(writer: Writer, memory: Arc<Memory>) {
    let api = writer.api();
    let mut ids = Writer::ids();
    for line in lines(&writer) {
        if memory.is_over() {
            break;
        }
        let client_id = ids.next(now());
        let key = client_id.to_string();
        let body = body(client_id, &line.content);
        let message = loop {
            match api.send(line.thread, &body, Some(&key)).await {
                Ok(reply) => break reply.data.message,
                Err(error) => assert!(error.is_retryable(), "refused: {error:?}"),
            }
            sleep(PAUSE).await;
        };
        memory.remember(Line {
            client_id,
            place: Some(place(&message)),
            key: Some(key),
            ..line
        });
    }
}

pub(super) fn body(client_id: semel_protocol::ClientId, content: &str) -> SendMessage {
    let content = content.to_owned();
    SendMessage {
        client_id,
        content,
        kind: None,
        reply_to: None,
        attachments: vec![],
    }
}

/// What a writer has to say, without end.
fn lines(writer: &Writer) -> impl Iterator<Item = Line> {
    let (writer, threads) = (writer.number, writer.threads);
    (0_usize..).map(move |number| Line {
        writer,
        thread: threads[number % threads.len()],
        client_id: semel_protocol::ClientId(uuid::Uuid::nil()),
        content: format!("line {number} of writer {writer}"),
        key: None,
        place: None,
    })
}

fn place(message: &Message) -> (semel_protocol::MessageId, u64) {
    (message.id, message.seq)
}

async fn connect(writer: &Writer) -> Client {
    loop {
        match Client::connect(&writer.address, &writer.token, None).await {
            Ok((client, mut events)) => {
                tokio::spawn(async move { while events.next().await.is_some() {} });
                return client;
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// What a device applies is consecutive: no repeat, no hole.
async fn watch(mut notes: Notes, memory: Arc<Memory>, writer: usize) {
    let mut heads: HashMap<ThreadId, Rev> = HashMap::new();
    while let Some(note) = notes.recv().await {
        let violation = match note {
            Note::Entry(entry) => {
                let head = heads.entry(entry.thread_id).or_default();
                let is_next = entry.rev == *head + 1;
                let before = std::mem::replace(head, entry.rev);
                (!is_next).then(|| format!("rev {} came after {before}", entry.rev))
            }
            Note::Reset { .. } => Some("a log began anew".to_owned()),
            Note::Left(thread) => Some(format!("not in {thread} any more")),
            Note::Refused(reason) => Some(format!("kept out: {reason}")),
            Note::Connected | Note::Disconnected | Note::Answered { .. } | Note::Event(_) => None,
        };
        if let Some(violation) = violation {
            memory
                .violations
                .lock()
                .unwrap()
                .push(format!("writer {writer}: {violation}"));
        }
    }
}
