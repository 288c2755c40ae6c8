//! Sign-ins that have ended: their devices are put out, here and on the other servers.

use std::{collections::BTreeSet, sync::Arc};

use semel_protocol::{Code, SessionId, UserId, socket::from_server};

use super::{Device, Hub};
use crate::{bus::Hints, realtime::packet};

impl Hub {
    /// A sign-in of somebody has ended: its devices are told and put out. Call it when that is committed. The other servers
    /// are told; one that misses it must find it in the store by itself. How many devices were put out here.
    pub fn revoke(&self, who: &UserId, session: SessionId) -> usize {
        let session = Some(session);
        if let Some(shared) = &self.shared {
            let revoked = BTreeSet::from([(who.clone(), session)]);
            shared.bus.tell(Hints {
                revoked,
                ..Hints::default()
            });
        }
        let devices = self.devices_of(who, session);
        for device in &devices {
            put_out(device);
        }
        devices.len()
    }

    /// The store says that sign-ins have ended, on whatever server: their devices are told and put out.
    pub fn end_sessions(&self, is_ended: impl Fn(SessionId) -> bool) {
        let ended = |device: &Device| device.session_id.is_some_and(&is_ended);
        for device in self.people.find(ended) {
            put_out(&device);
        }
    }

    /// Somebody may not use this server: their devices here are told and put out. How many.
    pub fn shut_out(&self, who: &UserId, code: Code) -> usize {
        let devices = self.devices_of(who, None);
        for device in &devices {
            device.keep_out(code);
        }
        devices.len()
    }

    /// Another server says that sign-ins have ended. That is a hint: the store is asked, and what it says counts.
    pub(super) fn hear_revoked(&self, revoked: &BTreeSet<(UserId, Option<SessionId>)>) {
        let is_here = |(who, session): &(UserId, _)| !self.devices_of(who, *session).is_empty();
        if revoked.iter().any(is_here) {
            self.ended_elsewhere.notify_one();
        }
    }

    /// Waits until another server says that a sign-in of somebody who is connected here has ended.
    pub async fn ended_elsewhere(&self) {
        self.ended_elsewhere.notified().await;
    }

    fn devices_of(&self, who: &UserId, session: Option<SessionId>) -> Vec<Arc<Device>> {
        self.people.read(|people| {
            let own = people.get(who).into_iter().flatten();
            own.filter(|device| session.is_none() || device.session_id == session)
                .cloned()
                .collect()
        })
    }
}

fn put_out(device: &Device) {
    device.push(packet::event(
        from_server::SESSION_REVOKED,
        &serde_json::json!({}),
    ));
    device.keep_out(Code::Unauthenticated);
}
