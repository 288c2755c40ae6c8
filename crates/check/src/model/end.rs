//! After everything healed and came to rest: what final readers find.

use super::World;
use crate::{Action, Event, Kind, event::mix};

/// Final readers have session numbers from here on.
const READER: u32 = 1 << 20;

impl<F: FnMut(Event)> World<'_, F> {
    /// Every call ends, every device catches up.
    pub(super) fn settle(&mut self) {
        for index in 0..self.devices.len() {
            self.proceed_surely(index);
        }
        for index in 0..self.devices.len() {
            for thread in 1..=self.plan.threads {
                self.deliver(index, thread);
            }
        }
    }

    pub(super) fn read_final(&mut self) {
        for reader in 0..self.plan.final_readers {
            for thread in 1..=self.plan.threads {
                self.read_log(READER + reader, thread);
            }
        }
        for thread in 1..=self.plan.threads {
            self.tell_people(thread);
        }
        for index in 0..self.devices.len() {
            for thread in 1..=self.plan.threads {
                let device = &self.devices[index];
                let (session, rev) = (device.session, device.cursors[thread as usize]);
                self.emit(Event {
                    session,
                    thread,
                    rev,
                    ..Event::at(0, Kind::Final, Action::Cursor)
                });
            }
        }
        for code in 1..=5 {
            self.emit(Event {
                code,
                ..Event::at(0, Kind::Final, Action::Doctor)
            });
        }
    }

    fn read_log(&mut self, session: u32, thread: u32) {
        let head = self.server.threads[thread as usize].head();
        for rev in 1..=head {
            let entry = self.server.threads[thread as usize].entry_event(Kind::Final, thread, rev);
            self.emit(Event { session, ..entry });
        }
        let seq = self.server.threads[thread as usize].last_seq();
        self.emit(Event {
            session,
            thread,
            rev: head,
            seq,
            ..Event::at(0, Kind::Final, Action::Head)
        });
    }

    fn tell_people(&mut self, thread: u32) {
        let hash = mix(u64::from(thread));
        self.emit(Event {
            thread,
            hash,
            ..Event::at(0, Kind::Final, Action::Owner)
        });
        for user in 1..=self.plan.people {
            let person = self.server.threads[thread as usize].people[user as usize].clone();
            let about = |action| Event {
                user,
                thread,
                ..Event::at(0, Kind::Final, action)
            };
            for (rev, until) in person.windows {
                self.emit(Event {
                    rev,
                    ..about(Action::Joined)
                });
                if let Some(rev) = until {
                    self.emit(Event {
                        rev,
                        ..about(Action::Gone)
                    });
                }
            }
            self.emit(Event {
                seq: person.position,
                ..about(Action::Position)
            });
        }
    }
}
