//! What waits for one client.

use std::collections::VecDeque;

use semel_protocol::limits::DEVICE_QUEUE_PACKETS_MAX;

use super::{PACKET_BYTES_MAX, payload};
use crate::{hub::Full, realtime::packet::Frame};

/// Bytes that may wait for one client, besides the number of packets. One packet may always wait.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Places of an empty queue that are kept.
const KEPT_PLACES: usize = 16;

/// Packets in their order. An empty one of a quiet client takes no memory to speak of.
#[derive(Default)]
pub(super) struct Outbox {
    packets: VecDeque<Frame>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Takes a packet within the bounds.
    pub(super) fn push(&mut self, packet: Frame) -> Result<(), Full> {
        let is_heavy = !self.is_empty() && self.bytes + packet.len() > BYTES_MAX;
        if is_heavy || self.packets.len() >= DEVICE_QUEUE_PACKETS_MAX {
            return Err(Full);
        }
        self.push_control(packet);
        Ok(())
    }

    /// Takes a packet of Engine.IO itself: there are few of them.
    pub(super) fn push_control(&mut self, packet: Frame) {
        self.bytes += packet.len();
        self.packets.push_back(packet);
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.len();
        if self.packets.is_empty() && self.packets.capacity() > KEPT_PLACES {
            self.packets = VecDeque::new();
        }
        Some(packet)
    }

    /// As much as one payload of polling holds, and one packet at least; empty if nothing waits.
    pub(super) fn pop_payload(&mut self) -> String {
        let mut payload = String::new();
        while let Some(packet) = self.packets.front() {
            let is_first = payload.is_empty();
            if !is_first && payload.len() + 1 + packet.len() > PACKET_BYTES_MAX {
                break;
            }
            if !is_first {
                payload.push(payload::SEPARATOR);
            }
            payload.push_str(packet);
            self.pop();
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_and_bytes_are_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..DEVICE_QUEUE_PACKETS_MAX {
            outbox.push("4".into()).unwrap();
        }
        assert_eq!(outbox.push("4".into()), Err(Full));
        assert!(outbox.pop().is_some());
        outbox.push("4".into()).unwrap();

        let mut outbox = Outbox::default();
        let huge = Frame::from("4".repeat(BYTES_MAX + 1));
        outbox.push(huge.clone()).unwrap();
        assert_eq!(outbox.push("4".into()), Err(Full));
        outbox.push_control("2".into());
        assert_eq!(outbox.pop(), Some(huge));
        outbox.push("4".into()).unwrap();
        assert_eq!(outbox.pop_payload(), "2\u{1e}4");
        assert!(outbox.is_empty() && outbox.bytes == 0);
    }

    #[test]
    fn payloads_are_bounded() {
        let mut outbox = Outbox::default();
        let half = "4".repeat(PACKET_BYTES_MAX / 2);
        for _ in 0..3 {
            outbox.push(half.as_str().into()).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(outbox.pop_payload(), half);
        }
        assert_eq!(outbox.pop_payload(), "");
    }
}
