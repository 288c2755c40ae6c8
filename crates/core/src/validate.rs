//! Checks of what people write, field by field. Each names the field, the limit and what to mend.

use semel_protocol::{ClientId, limits, message::MessageKind, picture::at_address};

use crate::{Refusal, actions::Draft};

type Valid = Result<(), Refusal>;

pub(crate) fn content(pointer: &str, text: &str) -> Valid {
    if text.trim().is_empty() {
        return Err(Refusal::invalid(pointer, "a message needs words"));
    }
    if text.len() > limits::CONTENT_BYTES_MAX {
        let max = limits::CONTENT_BYTES_MAX;
        return Err(Refusal::invalid(
            pointer,
            format!("at most {max} bytes of UTF-8"),
        ));
    }
    characters(pointer, text, limits::CONTENT_CHARACTERS_MAX)?;
    storable(pointer, text)
}

pub(crate) fn title(pointer: &str, text: &str) -> Valid {
    if !text.is_empty() && !text.chars().any(is_visible) {
        let detail = "a title needs words; an empty one stands for the automatic title";
        return Err(Refusal::invalid(pointer, detail));
    }
    line(pointer, text, limits::TITLE_CHARACTERS_MAX)?;
    shown(pointer, text)
}

pub(crate) fn name(pointer: &str, text: &str) -> Valid {
    if !text.chars().any(is_visible) {
        return Err(Refusal::invalid(
            pointer,
            "a name needs at least one visible character",
        ));
    }
    line(pointer, text, limits::NAME_CHARACTERS_MAX)?;
    shown(pointer, text)
}

/// Names that people take for the server's own, or for somebody who may do more; `_` in them counts for nothing.
const RESERVED_HANDLES: &[&str] = &[
    "abuse",
    "admin",
    "admins",
    "administrator",
    "all",
    "anonymous",
    "anybody",
    "api",
    "channel",
    "contact",
    "deleted",
    "everybody",
    "everyone",
    "group",
    "help",
    "helpdesk",
    "here",
    "hostmaster",
    "info",
    "legal",
    "me",
    "mod",
    "moderator",
    "moderators",
    "mods",
    "nobody",
    "noreply",
    "null",
    "official",
    "operator",
    "operators",
    "owner",
    "postmaster",
    "privacy",
    "root",
    "security",
    "semel",
    "server",
    "service",
    "staff",
    "support",
    "system",
    "team",
    "undefined",
    "unknown",
    "verified",
    "webmaster",
];

/// A handle in the one form in which it is stored; `pointer` names the field for the refusal.
///
/// # Errors
/// When it is no handle, or one that nobody may have.
pub fn handle(pointer: &str, text: &str) -> Result<String, Refusal> {
    let (min, max) = (limits::HANDLE_CHARACTERS_MIN, limits::HANDLE_CHARACTERS_MAX);
    let handle = text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_good = (min..=max).contains(&handle.len())
        && handle.bytes().all(is_plain)
        && handle.as_bytes()[0].is_ascii_lowercase();
    if !is_good {
        let detail =
            format!("{min} to {max} letters (a to z), digits and _, beginning with a letter");
        return Err(Refusal::invalid(pointer, detail));
    }
    if RESERVED_HANDLES.contains(&handle.replace('_', "").as_str()) {
        let detail = "nobody may have this handle; choose another one";
        return Err(Refusal::invalid(pointer, detail));
    }
    Ok(handle)
}

pub(crate) fn about(pointer: &str, text: &str) -> Valid {
    characters(pointer, text, limits::ABOUT_CHARACTERS_MAX)?;
    storable(pointer, text)
}

pub(crate) fn description(pointer: &str, text: &str) -> Valid {
    characters(pointer, text, limits::DESCRIPTION_CHARACTERS_MAX)?;
    if !text.is_empty() && !text.chars().any(is_visible) {
        let detail = "a description needs words; an empty one takes it away";
        return Err(Refusal::invalid(pointer, detail));
    }
    storable(pointer, text)?;
    shown(pointer, text)
}

/// What a person says to a report; empty: nothing.
pub(crate) fn details(pointer: &str, text: &str) -> Valid {
    characters(pointer, text, limits::REPORT_CHARACTERS_MAX)?;
    storable(pointer, text)
}

pub(crate) fn reason(pointer: &str, text: &str) -> Valid {
    if !text.chars().any(is_visible) {
        return Err(Refusal::invalid(pointer, "a reason needs words"));
    }
    characters(pointer, text, limits::REASON_CHARACTERS_MAX)?;
    storable(pointer, text)
}

/// A picture that this server keeps; whether it is there is found out with its row. Where a picture elsewhere may be shown, its
/// server learns of everybody who sees it.
pub(crate) fn picture(pointer: &str, text: &str, may_be_outside: bool) -> Valid {
    line(pointer, text, limits::PICTURE_CHARACTERS_MAX)?;
    let is_outside = text.starts_with("https://");
    if text.is_empty() || at_address(text).is_some() || (is_outside && may_be_outside) {
        return Ok(());
    }
    let detail = if may_be_outside {
        "the address of an uploaded picture, or one that begins with https://"
    } else {
        "the address of an uploaded picture"
    };
    Err(Refusal::invalid(pointer, detail))
}

pub(crate) fn emoji(text: &str) -> Valid {
    let pointer = "/emoji";
    if text.is_empty() || text.len() > limits::EMOJI_BYTES_MAX {
        let max = limits::EMOJI_BYTES_MAX;
        return Err(Refusal::invalid(
            pointer,
            format!("one emoji of 1 to {max} bytes"),
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '<' || c == '>')
    {
        return Err(Refusal::invalid(
            pointer,
            "one emoji, without white space or control characters",
        ));
    }
    if !text.chars().any(is_visible) || text.chars().any(turns_text) {
        return Err(Refusal::invalid(pointer, "one emoji that can be seen"));
    }
    Ok(())
}

pub(crate) fn client_id(pointer: &str, id: ClientId) -> Valid {
    if id.is_acceptable() {
        return Ok(());
    }
    let detail = "a random or time-ordered UUID; nil, max and counters are refused";
    Err(Refusal::invalid(pointer, detail))
}

pub(crate) fn draft(prefix: &str, draft: &Draft) -> Valid {
    if let Some(id) = draft.client_id {
        client_id(&format!("{prefix}/client_id"), id)?;
    }
    if draft.kind.is_some_and(|kind| kind != MessageKind::Text) {
        return Err(Refusal::invalid(
            &format!("{prefix}/kind"),
            "people send `text`",
        ));
    }
    if draft.attachment_count > 0 {
        let detail = "this server does not take files yet";
        return Err(Refusal::invalid(&format!("{prefix}/attachments"), detail));
    }
    content(&format!("{prefix}/content"), &draft.content)
}

/// Whether a character leaves something on the screen: no white space, nothing that only joins, hides or selects.
pub fn is_visible(c: char) -> bool {
    let is_ignorable = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}');
    !is_ignorable && !c.is_whitespace() && !c.is_control()
}

/// Whether a character turns the direction of what comes after it, beyond its own text.
pub fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What is shown within other text must not turn that round.
fn shown(pointer: &str, text: &str) -> Valid {
    if text.chars().any(turns_text) {
        let detail =
            "without characters that turn the direction of text (U+202A–U+202E, U+2066–U+2069)";
        return Err(Refusal::invalid(pointer, detail));
    }
    Ok(())
}

fn line(pointer: &str, text: &str, max: usize) -> Valid {
    characters(pointer, text, max)?;
    if text.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            pointer,
            "one line, without control characters",
        ));
    }
    Ok(())
}

fn characters(pointer: &str, text: &str, max: usize) -> Valid {
    if text.chars().count() > max {
        return Err(Refusal::invalid(
            pointer,
            format!("at most {max} characters"),
        ));
    }
    Ok(())
}

/// No database of ours stores U+0000 in text.
fn storable(pointer: &str, text: &str) -> Valid {
    if text.contains('\0') {
        return Err(Refusal::invalid(
            pointer,
            "the character U+0000 cannot be stored",
        ));
    }
    Ok(())
}
