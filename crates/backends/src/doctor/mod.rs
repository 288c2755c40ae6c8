//! What must be true of the rows of a database, whichever engine keeps them: each engine reads, and this judges.

mod answers;
mod rules;
mod thread;

use std::{collections::BTreeMap, fmt};

pub(crate) use answers::{ANSWERS, answer};
pub(crate) use rules::RULES;
pub(crate) use thread::{PEOPLE, POSITIONS, THREADS, ThreadCheck};

/// Findings of one check that are told; more of the same say no more.
const FINDINGS_PER_CHECK_MAX: u64 = 100;

/// Advice where a disk or a file may be the cause.
pub(crate) const RESTORE: &str =
    "stop the server, keep a copy of the data, and restore the newest backup";
/// Advice where the rules themselves were broken.
pub(crate) const REPORT: &str =
    "keep a copy of the data and report it: the rules should make this impossible";
/// Advice where the schema differs.
pub(crate) const SCHEMA: &str = "restore a backup, or make it again as the migration does";

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it.
    pub check: &'static str,
    /// On what: a table, a thread, a person.
    pub subject: String,
    /// What is wrong.
    pub detail: String,
    /// What to do.
    pub advice: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: {} ({})",
            self.check, self.subject, self.detail, self.advice
        )
    }
}

/// What was found so far. Many findings of one check are counted rather than kept.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<&'static str, u64>,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.check).or_default();
        *count += 1;
        if *count <= FINDINGS_PER_CHECK_MAX {
            self.list.push(finding);
        }
    }

    pub(crate) fn report(
        &mut self,
        check: &'static str,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.add(Finding {
            check,
            subject: subject.into(),
            detail: detail.into(),
            advice: REPORT,
        });
    }

    /// All that was found, with a line for what was only counted.
    pub(crate) fn into_list(mut self) -> Vec<Finding> {
        for (check, count) in &self.counts {
            let Some(more) = count
                .checked_sub(FINDINGS_PER_CHECK_MAX)
                .filter(|more| *more > 0)
            else {
                continue;
            };
            self.list.push(Finding {
                check,
                subject: "others".to_owned(),
                detail: format!("{more} more of this check"),
                advice: REPORT,
            });
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_findings_some_are_told_and_the_rest_is_counted() {
        let found = |count: u64| {
            let mut findings = Findings::default();
            for number in 0..count {
                findings.report("log", format!("thread {number}"), "a hole");
            }
            findings.into_list()
        };
        assert_eq!(found(FINDINGS_PER_CHECK_MAX).len() as u64, 100);
        let list = found(FINDINGS_PER_CHECK_MAX + 1);
        assert_eq!(list.len(), 101);
        assert_eq!(list[100].detail, "1 more of this check");
    }
}
