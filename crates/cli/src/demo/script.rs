//! What a log becomes: people, and what they do one after another, with the faults that are put in.

use std::collections::{HashMap, HashSet};

use semel_protocol::{UserId, limits};

use super::{dice::Dice, log::Line};

/// A person of the script, by place in [`Script::people`].
pub(super) type Who = usize;

/// Somebody in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Persona {
    pub(super) user_id: UserId,
    pub(super) name: String,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Somebody speaks in the channel and, when a line is addressed, to that person alone as well.
    Say {
        who: Who,
        to: Option<Who>,
        text: String,
        fault: Fault,
    },
    /// Somebody who was not there comes in.
    Join { who: Who, fault: Fault },
    /// Somebody has another name.
    Rename { who: Who, name: String },
}

/// What goes wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// It is sent twice at the same moment, over Socket.IO and HTTP.
    Twice,
    /// It is sent again when others have spoken.
    Later,
    /// The connection breaks before the acknowledgement.
    Cut,
    /// It goes over HTTP with an idempotency key, twice.
    Keyed,
}

/// A log, ready to be played.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) people: Vec<Persona>,
    /// Those who are in the channel when it begins; the first is its admin.
    pub(super) founders: Vec<Who>,
    pub(super) steps: Vec<Step>,
    pub(super) lines: usize,
    /// Lines that say nothing that can be replayed.
    pub(super) skipped: usize,
}

impl Script {
    /// How many lines are spoken.
    pub(super) fn says(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Say { .. }))
            .count()
    }
}

/// Writes the script of a log. `fault_percent` of what is said goes wrong in some way.
pub(super) fn write(lines: &[Line], dice: &mut Dice, fault_percent: u8) -> Script {
    let mut cast = Cast::default();
    let founders = cast.find_founders(lines);
    let mut writer = Writer {
        inside: founders.iter().copied().collect(),
        cast,
        steps: Vec::new(),
        skipped: 0,
        dice,
        fault_percent,
    };
    for line in lines {
        writer.write(line);
    }
    let Writer {
        cast,
        steps,
        skipped,
        ..
    } = writer;
    Script {
        people: cast.people,
        founders,
        steps,
        lines: lines.len(),
        skipped,
    }
}

/// People by the names that they have at the moment. Case does not count in nicks.
#[derive(Default)]
struct Cast {
    people: Vec<Persona>,
    by_id: HashMap<UserId, Who>,
    by_nick: HashMap<String, Who>,
}

impl Cast {
    fn known(&self, nick: &str) -> Option<Who> {
        self.by_nick.get(&nick.to_lowercase()).copied()
    }

    /// The person with a nick, made if need be. None if no user id can be made of the nick.
    fn person(&mut self, nick: &str) -> Option<Who> {
        if let Some(who) = self.known(nick) {
            return Some(who);
        }
        let user_id = UserId::parse(&format!("irc-{}", nick.to_lowercase())).ok()?;
        let next = self.people.len();
        let who = *self.by_id.entry(user_id.clone()).or_insert(next);
        if who == next {
            let name = nick.chars().take(limits::NAME_CHARACTERS_MAX).collect();
            self.people.push(Persona { user_id, name });
        }
        self.by_nick.insert(nick.to_lowercase(), who);
        Some(who)
    }

    fn rename(&mut self, from: &str, to: &str) -> Option<Who> {
        let who = self.person(from)?;
        self.by_nick.remove(&from.to_lowercase());
        self.by_nick.insert(to.to_lowercase(), who);
        Some(who)
    }

    /// Those who say or are something before the log says that they came. A channel needs two to begin with.
    fn find_founders(&mut self, lines: &[Line]) -> Vec<Who> {
        let mut came = HashSet::new();
        let mut founders = Vec::new();
        for line in lines {
            let nick = match line {
                Line::Said { nick, .. } => nick,
                Line::Renamed { from, to } => {
                    came.insert(to.to_lowercase());
                    from
                }
                Line::Joined(nick) => {
                    let enough = founders.len() >= 2;
                    if enough || self.known(nick).is_some() {
                        came.insert(nick.to_lowercase());
                        continue;
                    }
                    nick
                }
                Line::Did { .. } | Line::Left(_) | Line::Other => continue,
            };
            if came.insert(nick.to_lowercase()) {
                founders.extend(self.person(nick));
            }
        }
        founders
    }
}

struct Writer<'a> {
    cast: Cast,
    inside: HashSet<Who>,
    steps: Vec<Step>,
    skipped: usize,
    dice: &'a mut Dice,
    fault_percent: u8,
}

impl Writer<'_> {
    fn write(&mut self, line: &Line) {
        let written = match line {
            Line::Said { nick, text } => self.say(nick, text),
            // A notice of the server's has no nick that anybody knows.
            Line::Did { nick, text } if self.cast.known(nick).is_some() => {
                self.say(nick, &format!("/me {text}"))
            }
            Line::Joined(nick) => self.cast.person(nick).map(|who| self.join(who)),
            Line::Renamed { from, to } => self.cast.rename(from, to).map(|who| {
                self.join(who);
                let name = to.chars().take(limits::NAME_CHARACTERS_MAX).collect();
                self.steps.push(Step::Rename { who, name });
            }),
            Line::Did { .. } | Line::Left(_) | Line::Other => None,
        };
        self.skipped += usize::from(written.is_none());
    }

    fn join(&mut self, who: Who) {
        if self.inside.insert(who) {
            let fault = self.fault();
            self.steps.push(Step::Join { who, fault });
        }
    }

    fn say(&mut self, nick: &str, text: &str) -> Option<()> {
        if text.trim().is_empty() {
            return None;
        }
        let who = self.cast.person(nick)?;
        self.join(who);
        let to = self
            .addressee(text)
            .filter(|to| *to != who && self.inside.contains(to));
        for part in parts(text) {
            let fault = self.fault();
            self.steps.push(Step::Say {
                who,
                to,
                text: part,
                fault,
            });
        }
        Some(())
    }

    /// `nick: text` or `nick, text`.
    fn addressee(&self, text: &str) -> Option<Who> {
        let word = text.split(' ').next()?;
        let nick = word.strip_suffix([':', ','])?;
        self.cast.known(nick)
    }

    fn fault(&mut self) -> Fault {
        if self.dice.roll(100) >= u64::from(self.fault_percent) {
            return Fault::None;
        }
        match self.dice.roll(4) {
            0 => Fault::Twice,
            1 => Fault::Later,
            2 => Fault::Cut,
            _ => Fault::Keyed,
        }
    }
}

/// A line that is longer than a message may be becomes several.
fn parts(text: &str) -> Vec<String> {
    let bytes_per_character_max = 4;
    let characters =
        limits::CONTENT_CHARACTERS_MAX.min(limits::CONTENT_BYTES_MAX / bytes_per_character_max);
    let all: Vec<char> = text.chars().collect();
    all.chunks(characters)
        .map(|part| part.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::log;

    fn script(text: &str) -> Script {
        write(&log::parse(text.as_bytes()), &mut Dice::new(1), 0)
    }

    fn say(who: Who, to: Option<Who>, text: &str) -> Step {
        Step::Say {
            who,
            to,
            text: text.to_owned(),
            fault: Fault::None,
        }
    }

    #[test]
    fn who_speaks_without_having_come_was_there_before() {
        let script = script(
            "[01:00] <Ann> hello\n=== bob [b@h]  has joined #c\n[01:01] <bob> ann: hi\n[01:02] <cy> Bob, x",
        );
        let names: Vec<&str> = script.people.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Ann", "bob", "cy"]);
        assert_eq!(script.founders, [0, 1, 2], "two are needed to begin with");
        assert_eq!(
            script.steps,
            [
                say(0, None, "hello"),
                say(1, Some(0), "ann: hi"),
                say(2, Some(1), "Bob, x"),
            ]
        );
    }

    #[test]
    fn who_comes_later_joins_once_and_keeps_their_id_under_another_name() {
        let script = script(
            "[01:00] <a> 1\n[01:00] <b> 2\n=== c [h]  has joined #x\n=== c is now known as d\n\
             [01:01] <d> 3\n=== d [h]  has left #x\n=== d [h]  has joined #x\n=== d waves\n\
             === topic changes\n[01:02] <a> d: 4",
        );
        let join = Step::Join {
            who: 2,
            fault: Fault::None,
        };
        let rename = Step::Rename {
            who: 2,
            name: "d".to_owned(),
        };
        let expected = [
            say(0, None, "1"),
            say(1, None, "2"),
            join,
            rename,
            say(2, None, "3"),
            say(2, None, "/me waves"),
            say(0, Some(2), "d: 4"),
        ];
        assert_eq!(script.steps, expected);
        assert_eq!((script.lines, script.skipped), (10, 2));
    }

    #[test]
    fn very_long_lines_lose_nothing() {
        let text = "é".repeat(40_000);
        let parts = parts(&text);
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= limits::CONTENT_BYTES_MAX)
        );
        assert_eq!(parts.concat(), text);
    }
}
