//! Automatic titles: the names of the longest-standing, and how many others.

use semel_protocol::{ThreadId, limits::TITLE_CHARACTERS_MAX};

use crate::{Rows, Stop, view};

const NAMED: usize = 3;

/// The automatic title of a thread with the people that it has now.
pub(crate) fn automatic(rows: &Rows, id: ThreadId) -> Result<String, Stop> {
    let active = rows.active(id)?;
    let others = active.len().saturating_sub(NAMED);
    let first = active.into_iter().take(NAMED);
    let names = Rows::gather(first, |(who, _)| view::display_name(rows, &who))?;
    Ok(of_names(&names, others))
}

fn of_names(names: &[String], others: usize) -> String {
    let tail = match others {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        n => format!(" and {n} others"),
    };
    let head = match names {
        [first @ .., last] if others == 0 && !first.is_empty() => {
            format!("{} and {last}", first.join(", "))
        }
        names => names.join(", "),
    };
    let room = TITLE_CHARACTERS_MAX - tail.chars().count();
    head.chars().take(room).chain(tail.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], others: usize, expect: &str) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(of_names(&names, others), expect);
    }

    #[test]
    fn titles_name_three_and_count_the_others() {
        check(&["Ann"], 0, "Ann");
        check(&["Ann", "Bob"], 0, "Ann and Bob");
        check(&["Ann", "Bob", "Cem"], 0, "Ann, Bob and Cem");
        check(&["Ann", "Bob", "Cem"], 1, "Ann, Bob, Cem and 1 other");
        check(&["Ann", "Bob", "Cem"], 3, "Ann, Bob, Cem and 3 others");
    }

    #[test]
    fn titles_keep_to_their_limit() {
        let long = "x".repeat(100);
        let names = vec![long.clone(), long.clone(), long];
        assert_eq!(of_names(&names, 7).chars().count(), TITLE_CHARACTERS_MAX);
        assert!(of_names(&names, 7).ends_with(" and 7 others"));
    }
}
