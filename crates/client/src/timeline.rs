//! A device's place in a thread's log.

use semel_protocol::{Entry, Rev, entry::EntryPage, sync::Cursor};
use semel_sabotage::{Defect, is_on};

/// Says of every entry whether it is next, a repeat, or beyond a gap. Keeps the place only; the entries are the
/// caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    head: Rev,
    chain: Option<String>,
    epoch: Option<u64>,
}

/// What to do with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the next one: show it.
    Apply,
    /// It was there before: ignore it.
    Repeat,
    /// Entries are missing before it: fetch those after `after`.
    Gap {
        /// The last one that is there.
        after: Rev,
    },
    /// It is of another log that replaced this one: forget what is there and start anew.
    Replaced,
}

impl Timeline {
    /// At the beginning of a log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Behind a snapshot.
    pub fn at(head: Rev, chain: Option<String>, epoch: u64) -> Self {
        Self {
            head,
            chain,
            epoch: Some(epoch),
        }
    }

    /// Behind an entry.
    pub fn behind(entry: &Entry) -> Self {
        Self::at(entry.rev, entry.chain.clone(), entry.epoch)
    }

    /// Judges an entry that was pushed, and steps onto it when it is the next.
    pub fn offer(&mut self, entry: &Entry) -> Step {
        if self.epoch.is_some_and(|epoch| epoch != entry.epoch) {
            return Step::Replaced;
        }
        if entry.rev <= self.head && !is_on(Defect::RepeatsShown) {
            return Step::Repeat;
        }
        if entry.rev > self.head + 1 && !is_on(Defect::NoGapFill) {
            return Step::Gap { after: self.head };
        }
        self.step_onto(entry);
        Step::Apply
    }

    /// Judges a fetched page and hands on what is new. False when the page says that this log is of no use any more.
    /// The first page of a log may begin later than at 1: what is before is not this person's to read.
    pub fn fill(&mut self, page: EntryPage, mut apply: impl FnMut(Entry)) -> bool {
        if page.too_old || self.epoch.is_some_and(|epoch| epoch != page.epoch) {
            return false;
        }
        for entry in page.entries {
            if self.head == 0 {
                self.head = entry.rev.saturating_sub(1);
            }
            match self.offer(&entry) {
                Step::Apply => apply(entry),
                Step::Repeat => {}
                Step::Gap { .. } | Step::Replaced => return false,
            }
        }
        true
    }

    /// Last entry that was applied; 0 at the beginning.
    pub fn head(&self) -> Rev {
        self.head
    }

    /// Which log it is; none before its first entry.
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The place, as `sync` wants it.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            rev: self.head,
            chain: self.chain.clone(),
            epoch: self.epoch,
        }
    }

    fn step_onto(&mut self, entry: &Entry) {
        *self = Self::behind(entry);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use semel_protocol::{ThreadId, entry::EntryBody};
    use uuid::Uuid;

    use super::*;

    fn entry(rev: Rev) -> Entry {
        Entry {
            thread_id: ThreadId(Uuid::from_u128(1)),
            rev,
            epoch: 1,
            chain: Some(format!("{rev:016x}")),
            actor_id: None,
            created_at: None,
            body: EntryBody::Hidden,
        }
    }

    fn page(revs: std::ops::RangeInclusive<Rev>, head_rev: Rev) -> EntryPage {
        let more = *revs.end() < head_rev;
        EntryPage {
            entries: revs.map(entry).collect(),
            head_rev,
            epoch: 1,
            more,
            too_old: false,
        }
    }

    #[test]
    fn only_the_next_entry_is_applied() {
        let mut timeline = Timeline::new();
        assert_eq!(timeline.offer(&entry(1)), Step::Apply);
        assert_eq!(timeline.offer(&entry(1)), Step::Repeat);
        assert_eq!(timeline.offer(&entry(3)), Step::Gap { after: 1 });
        assert_eq!(timeline.offer(&entry(2)), Step::Apply);
        let cursor = Cursor {
            rev: 2,
            chain: Some(format!("{:016x}", 2)),
            epoch: Some(1),
        };
        assert_eq!(timeline.cursor(), cursor);
    }

    #[test]
    fn ec_o04_what_comes_early_is_fetched_and_applied_in_order() {
        let mut timeline = Timeline::at(4, None, 1);
        let mut applied = vec![];
        for rev in [5, 7, 6] {
            match timeline.offer(&entry(rev)) {
                Step::Apply => applied.push(rev),
                Step::Gap { after } => {
                    let is_good = timeline.fill(page(after + 1..=rev, rev), |entry| {
                        applied.push(entry.rev);
                    });
                    assert!(is_good);
                }
                step => assert_eq!((step, rev), (Step::Repeat, 6)),
            }
        }
        assert_eq!(applied, [5, 6, 7]);
    }

    #[test]
    fn ec_o02_ec_o05_story_d18_what_comes_twice_is_applied_once() {
        let mut timeline = Timeline::at(4, None, 1);
        for rev in [5, 6] {
            assert_eq!(timeline.offer(&entry(rev)), Step::Apply);
        }
        let before = timeline.clone();
        for rev in [6, 5, 1, 6] {
            assert_eq!(timeline.offer(&entry(rev)), Step::Repeat);
        }
        assert!(timeline.fill(page(1..=6, 6), |_| panic!("applied twice")));
        assert_eq!(timeline, before);
    }

    /// A newer entry that was seen does not move the cursor over what is missing before it.
    #[test]
    fn story_l1_the_cursor_is_the_end_of_what_is_whole() {
        let mut timeline = Timeline::at(4, None, 1);
        for rev in [9, 7, 6] {
            assert_eq!(timeline.offer(&entry(rev)), Step::Gap { after: 4 });
            assert_eq!(timeline.cursor().rev, 4);
        }
        assert!(!timeline.fill(page(6..=9, 9), |_| panic!("over a hole")));
        assert_eq!(timeline.cursor().rev, 4);
        assert_eq!(timeline.offer(&entry(5)), Step::Apply);
        assert_eq!(timeline.cursor().rev, 5);
    }

    #[test]
    fn another_epoch_replaces_the_log() {
        let mut timeline = Timeline::at(5, None, 0);
        assert_eq!(timeline.offer(&entry(6)), Step::Replaced);
        assert!(!timeline.fill(page(6..=7, 7), |_| panic!("applied")));
    }

    #[test]
    fn a_log_may_begin_late_but_has_no_holes() {
        let mut timeline = Timeline::new();
        let mut applied = vec![];
        assert!(timeline.fill(page(4..=6, 9), |entry| applied.push(entry.rev)));
        assert!(!timeline.fill(page(8..=9, 9), |entry| applied.push(entry.rev)));
        assert_eq!(applied, [4, 5, 6]);
    }

    proptest! {
        /// Pushes arrive in any order, repeated and with some lost; every gap is fetched in pages. Whatever happens,
        /// what was applied is the log, once and in order.
        #[test]
        fn any_interleaving_ends_equal_to_the_log(
            pushes in prop::collection::vec(1..=40_u64, 0..120),
            page_size in 1..10_u64,
            fetches_repeat in any::<bool>(),
        ) {
            let mut timeline = Timeline::new();
            let mut applied = Vec::new();
            let mut newest = 0;
            for rev in pushes.iter().copied().chain([40]) {
                newest = newest.max(rev);
                while let Step::Gap { after } = timeline.offer(&entry(rev)) {
                    prop_assert_eq!(after, timeline.head());
                    let from = if fetches_repeat { after.max(1) } else { after + 1 };
                    let answer = page(from..=(from + page_size).min(newest), newest);
                    prop_assert!(timeline.fill(answer, |entry| applied.push(entry.rev)));
                }
                if applied.last().copied().unwrap_or(0) < timeline.head() {
                    applied.push(timeline.head());
                }
            }
            prop_assert_eq!(applied, (1..=40).collect::<Vec<_>>());
        }
    }
}
