//! Lines of an IRC log.

/// What a line says. Texts keep everything but NUL, which no database stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// `[HH:MM] <nick> text`.
    Said { nick: String, text: String },
    /// `=== nick does something`, or a notice of the server's that looks like it.
    Did { nick: String, text: String },
    /// `=== nick [host] has joined #channel`.
    Joined(String),
    /// `=== nick [host] has left #channel`.
    Left(String),
    /// `=== nick is now known as other`.
    Renamed { from: String, to: String },
    /// Anything else.
    Other,
}

/// Reads a log: UTF-8, and where a line is not, Latin-1, as was usual then.
pub(super) fn parse(bytes: &[u8]) -> Vec<Line> {
    let without_end = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    without_end
        .split(|byte| *byte == b'\n')
        .map(|line| parse_line(&decode(line)))
        .collect()
}

fn decode(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => line.iter().copied().map(char::from).collect(),
    };
    text.replace('\0', "")
}

fn parse_line(line: &str) -> Line {
    if let Some(notice) = line.strip_prefix("=== ") {
        return parse_notice(notice);
    }
    let said = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] <"));
    let said = said.and_then(|(_, rest)| rest.split_once('>'));
    match said {
        Some((nick, text)) if !nick.is_empty() => {
            let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
            Line::Said {
                nick: nick.to_owned(),
                text,
            }
        }
        _ => Line::Other,
    }
}

fn parse_notice(notice: &str) -> Line {
    let Some((nick, rest)) = notice.split_once(' ') else {
        return Line::Other;
    };
    let nick = nick.to_owned();
    if let Some(to) = rest.strip_prefix("is now known as ") {
        return Line::Renamed {
            from: nick,
            to: to.trim().to_owned(),
        };
    }
    let after_host = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match after_host.map(|(_, rest)| rest.trim_start()) {
        Some(what) if what.starts_with("has joined") => Line::Joined(nick),
        Some(what) if what.starts_with("has left") || what.starts_with("has quit") => {
            Line::Left(nick)
        }
        Some(_) => Line::Other,
        None => Line::Did {
            nick,
            text: rest.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(nick: &str, text: &str) -> Line {
        Line::Said {
            nick: nick.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn lines_of_real_logs_are_read() {
        let check = |line: &str, expected: Line| {
            assert_eq!(parse(line.as_bytes()), [expected], "{line}");
        };
        check(
            "[12:18] <|trey|> Matt|, ahh  :)",
            said("|trey|", "Matt|, ahh  :)"),
        );
        check("[12:18] <a> x > y", said("a", "x > y"));
        check("[12:18] <a> ", said("a", ""));
        check("[12:18] <a> \u{2}bold\u{2}", said("a", "\u{2}bold\u{2}"));
        check(
            "=== tuxx [~tuxx@host.dk]  has joined #ubuntu",
            Line::Joined("tuxx".into()),
        );
        check(
            "=== cory [~c@206.78.36.167]  has left #ubuntu [\"m]\"]",
            Line::Left("cory".into()),
        );
        let renamed = Line::Renamed {
            from: "Mike".into(),
            to: "MikeAFK".into(),
        };
        check("=== Mike is now known as MikeAFK", renamed);
        let did = Line::Did {
            nick: "Matt|".into(),
            text: "scrolls up".into(),
        };
        check("=== Matt| scrolls up", did);
        check("--- nothing", Line::Other);
        check("", Line::Other);
    }

    #[test]
    fn bytes_that_are_no_text_become_some() {
        assert_eq!(parse(b"[01:02] <a> caf\xe9\r\n"), [said("a", "caf\u{e9}")]);
        assert_eq!(parse(b"[01:02] <a> x\0y"), [said("a", "xy")]);
    }
}
