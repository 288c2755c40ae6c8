//! Sends over a connection of its own, gives up when an answer is late, and goes on with something else. So there are
//! messages of which nobody ever learns what became of them, and now and then one that is sent twice.

use std::{sync::Arc, time::Duration};

use semel_check::{Action, TIMED_OUT};
use semel_client::{Client, EmitError};
use semel_protocol::{
    ClientId,
    message::SendResult,
    requests::SendMessage,
    socket::{Ack, SendBatch, SendOne, from_client},
    thread::{BatchItem, BatchResult},
};
use tokio::time::{sleep, timeout};

use super::{
    super::{
        rooms::Room,
        world::{Caller, World},
    },
    message, words,
};
use crate::{
    dice::Dice,
    record::{CallRecord, Change, LOST, OpenCall},
};

/// Turns in which several messages are sent in one packet, in percent.
const BATCH_PERCENT: usize = 20;
const BATCH_MESSAGES_MAX: usize = 5;
/// Acknowledged messages that are sent again, in percent.
const REPEATED_PERCENT: usize = 15;
/// Pause before connecting again, in milliseconds.
const CONNECT_AGAIN_MILLIS: u64 = 25;

/// An open connection. Each is a device of its own: what was lost with the one before is in no order with what comes.
struct Line {
    client: Client,
    calls: CallRecord,
}

pub(in crate::workload) async fn hasty(world: Arc<World>, person: usize, mut dice: Dice) {
    let mut ids = world.ids();
    let mut caller = world.caller(person);
    let mut open: Option<Line> = None;
    let mut places = person..;
    while world.goes_on() {
        let Some(line) = open.take() else {
            let place = places.next().unwrap_or(person);
            open = connect(&world, person, place).await;
            continue;
        };
        let Some(room) = world.room(person, &mut dice) else {
            world.think(&mut dice).await;
            open = Some(line);
            continue;
        };
        let count = if dice.chance(BATCH_PERCENT) {
            1 + dice.below(BATCH_MESSAGES_MAX)
        } else {
            0
        };
        let mut texts = Vec::new();
        for _ in 0..count.max(1) {
            let client_id = ids.next();
            texts.push((client_id, words(client_id, &mut dice)));
        }
        let is_known = if count == 0 {
            single(&world, &line, &room, &texts[0]).await
        } else {
            batch(&world, &line, &room, &texts).await
        };
        if is_known && dice.chance(REPEATED_PERCENT) {
            repeat(&world, &line, &mut caller, &room, &texts[0]).await;
        }
        open = is_known.then_some(line);
        world.think(&mut dice).await;
    }
}

async fn connect(world: &Arc<World>, person: usize, place: usize) -> Option<Line> {
    let (address, token) = (world.places.of(place), world.token(person));
    let limit = world.plan.patience;
    let Ok(Ok((client, mut events))) =
        timeout(limit, Client::connect(&address, &token, None)).await
    else {
        sleep(Duration::from_millis(CONNECT_AGAIN_MILLIS)).await;
        return None;
    };
    tokio::spawn(async move { while events.next().await.is_some() {} });
    let calls = world.recorder.calls(&world.people[person]);
    Some(Line { client, calls })
}

/// Sends the same once more, over the same connection and over HTTP, at the same time.
async fn repeat(
    world: &World,
    line: &Line,
    caller: &mut Caller,
    room: &Room,
    text: &(ClientId, String),
) {
    let again = message(text.0, &text.1);
    // Recorded, whatever comes of it.
    let _ = tokio::join!(
        single(world, line, room, text),
        caller.api().send(room.id, &again, None)
    );
}

/// Sends one message. True if there is an answer.
async fn single(
    world: &World,
    line: &Line,
    room: &Room,
    (client_id, text): &(ClientId, String),
) -> bool {
    let SendMessage {
        client_id,
        content,
        kind,
        reply_to,
        attachments,
    } = message(*client_id, text);
    let send = SendOne {
        thread_id: room.id,
        client_id,
        content,
        kind,
        reply_to,
        attachments,
    };
    let open = begin(line, room, client_id, text, false);
    let call = line
        .client
        .emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &send);
    match timeout(world.plan.patience, call).await {
        Ok(Ok(Ack::Success { data })) => {
            stored(world, room, open, &data);
            true
        }
        Ok(Ok(Ack::Error { error })) => {
            open.refused(&error, 0);
            !error.code.is_retryable()
        }
        other => {
            open.unknown(reason(&other));
            false
        }
    }
}

/// Sends several in one packet. True if all of them have an answer.
async fn batch(world: &World, line: &Line, room: &Room, texts: &[(ClientId, String)]) -> bool {
    let messages = texts.iter().map(|(id, text)| message(*id, text)).collect();
    let thread_id = room.id;
    let send = SendBatch {
        thread_id,
        messages,
    };
    let open: Vec<OpenCall> = texts
        .iter()
        .map(|(id, text)| begin(line, room, *id, text, true))
        .collect();
    let call = line
        .client
        .emit_with_ack::<BatchResult>(from_client::MESSAGE_SEND, &send);
    match timeout(world.plan.patience, call).await {
        Ok(Ok(Ack::Success { data })) => {
            let mut results = data.results.into_iter();
            let mut are_known = true;
            for open in open {
                match results.next() {
                    Some(BatchItem::Success { data }) => stored(world, room, open, &data),
                    Some(BatchItem::Error { error }) => {
                        are_known &= !error.code.is_retryable();
                        open.refused(&error, 0);
                    }
                    // What comes after an error that is retryable was not tried.
                    None => {
                        are_known = false;
                        open.unknown(0);
                    }
                }
            }
            are_known
        }
        Ok(Ok(Ack::Error { error })) => {
            for open in open {
                open.refused(&error, 0);
            }
            !error.code.is_retryable()
        }
        other => {
            let reason = reason(&other);
            for open in open {
                open.unknown(reason);
            }
            false
        }
    }
}

fn begin(line: &Line, room: &Room, client_id: ClientId, text: &str, in_order: bool) -> OpenCall {
    line.calls.begin(&Change {
        action: Action::Send,
        thread: Some(room.id),
        client_id: Some(client_id),
        content: Some(text),
        in_order,
        ..Change::default()
    })
}

fn stored(world: &World, room: &Room, open: OpenCall, data: &SendResult) {
    open.sent(&data.message, data.duplicate, 0);
    room.saw(&data.message);
    if !data.duplicate {
        world.count_acknowledged();
    }
}

fn reason<T>(answer: &Result<Result<T, EmitError>, tokio::time::error::Elapsed>) -> u8 {
    match answer {
        Err(_) => TIMED_OUT,
        Ok(Err(EmitError::Disconnected)) => LOST,
        Ok(_) => 0,
    }
}
