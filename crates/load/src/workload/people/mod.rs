//! The kinds of people. Each is a task that takes turns until it is over, and ends when it knows what it wants to know.

mod hasty;
mod keyed;
mod manager;
mod racer;
mod reader;
mod sender;

pub(super) use hasty::hasty;
pub(super) use keyed::keyed;
pub(super) use manager::{manager, open_room};
pub(super) use racer::racer;
pub(super) use reader::reader;
pub(super) use sender::sender;

use semel_protocol::{ClientId, requests::SendMessage};

use crate::dice::Dice;

/// Words that nobody wrote before: they begin with the message's own id.
fn words(client_id: ClientId, dice: &mut Dice) -> String {
    let rest = "x".repeat(dice.below(40));
    format!("{client_id} {rest}").trim_end().to_owned()
}

fn message(client_id: ClientId, content: &str) -> SendMessage {
    SendMessage {
        client_id,
        content: content.to_owned(),
        kind: None,
        reply_to: None,
        attachments: Vec::new(),
    }
}
