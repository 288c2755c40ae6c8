//! Reads here and there.

use std::{collections::HashMap, sync::Arc};

use semel_protocol::limits;

use super::super::world::World;
use crate::dice::Dice;

/// Entries before the end from which somebody reads on.
const BACK_MAX: usize = 300;

pub(in crate::workload) async fn reader(world: Arc<World>, mut dice: Dice) {
    let mut callers = HashMap::new();
    while world.goes_on() {
        let open = world.board.open();
        if let Some(room) = dice.pick(&open)
            && let Some(person) = dice.pick(&room.members).copied()
        {
            let caller = callers
                .entry(person)
                .or_insert_with(|| world.caller(person));
            let api = caller.api();
            let from = room.head().saturating_sub(dice.below(BACK_MAX) as u64);
            let limit = 1 + dice.below(limits::PAGE_MESSAGES_MAX);
            // Recorded, whatever comes of it.
            let error = match dice.below(3) {
                0 => api.newest_messages(room.id).await.err(),
                1 => api.messages_after(room.id, from, limit).await.err(),
                _ => api.entries_after(room.id, from).await.err(),
            };
            if error.is_some_and(|error| error.is_retryable()) {
                caller.rest().await;
            }
        }
        world.think(&mut dice).await;
    }
}
