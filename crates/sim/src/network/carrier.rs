//! What becomes of packets on their way.

use std::sync::Arc;

use semel_protocol::UserId;
use semel_server::realtime::Line;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{Net, SILENCE_MAX};
use crate::{
    faults::Fault,
    life::{Flag, Life},
};

/// What carries the packets of one connection.
#[derive(Clone)]
pub(super) struct Carrier {
    pub(super) net: Arc<Net>,
    pub(super) who: UserId,
    pub(super) number: u64,
    pub(super) line: Arc<Line>,
    pub(super) life: Life,
    pub(super) cut: Flag,
}

impl Carrier {
    /// Comes back when the connection is cut or the server killed.
    pub(super) async fn broken(&self) {
        tokio::select! {
            biased;
            () = self.life.over() => {}
            () = self.cut.raised() => {}
        }
    }

    pub(super) fn break_off(&self, fault: Option<Fault>) {
        if let Some(fault) = fault {
            self.net.tally.count(fault);
        }
        self.net
            .journal
            .note(format_args!("line {}: breaks {fault:?}", self.number));
        self.cut.raise();
    }

    /// Takes a packet's time. False if the connection does not last so long, be it that it breaks with this fault.
    async fn travels(&self, fault: Fault) -> bool {
        let is_cut = tokio::select! {
            biased;
            () = self.broken() => true,
            () = sleep(self.net.delay()) => false,
        };
        if is_cut {
            return false;
        }
        let breaks = self.net.happens(|rates| rates.cut);
        if breaks {
            self.break_off(Some(fault));
        }
        !breaks
    }

    pub(super) async fn carry_up(self, mut packets: mpsc::UnboundedReceiver<String>) {
        let net = &self.net;
        loop {
            let packet = tokio::select! {
                biased;
                () = self.broken() => break,
                packet = packets.recv() => packet,
            };
            let Some(text) = packet else { break };
            if !self.travels(Fault::CutBeforeServer).await {
                break;
            }
            net.journal
                .note(format_args!("line {} up: {text}", self.number));
            net.replay(&self.who, &text);
            let is_open = self.line.take(&text);
            if is_open && net.happens(|rates| rates.cut) {
                self.break_off(Some(Fault::CutAfterServer));
            }
        }
        // The device is gone. The server may learn it late.
        if !self.life.is_over() && net.happens(|rates| rates.stall * 4) {
            net.tally.count(Fault::HalfOpen);
            let time = net.roll_time(SILENCE_MAX * 2);
            tokio::select! {
                biased;
                () = self.life.over() => {}
                () = sleep(time) => {}
            }
        }
        self.cut.raise();
    }

    pub(super) async fn carry_down(self, packets: mpsc::UnboundedSender<String>) {
        let net = &self.net;
        let stall_at = net
            .happens(|rates| rates.stall)
            .then(|| Instant::now() + net.roll_time(SILENCE_MAX));
        let mut has_stalled = false;
        loop {
            if let Some(at) = stall_at
                && !has_stalled
                && Instant::now() >= at
            {
                has_stalled = true;
                net.tally.count(Fault::Stall);
                let end = Instant::now() + net.roll_time(SILENCE_MAX * 2);
                tokio::select! {
                    biased;
                    () = self.broken() => break,
                    () = std::future::poll_fn(|cx| self.line.poll_stalled(cx)) => break,
                    () = sleep_until(end) => {}
                }
            }
            let frame = tokio::select! {
                biased;
                () = self.broken() => break,
                frame = std::future::poll_fn(|cx| self.line.poll_next(cx)) => frame,
            };
            let Some(frame) = frame else { break };
            if !self.travels(Fault::CutBeforeDevice).await {
                break;
            }
            net.journal
                .note(format_args!("line {} down: {frame}", self.number));
            if packets.send(frame.as_str().to_owned()).is_err() {
                break;
            }
            if net.happens(|rates| rates.cut) {
                self.break_off(Some(Fault::CutAfterDevice));
                break;
            }
        }
        self.cut.raise();
    }
}
