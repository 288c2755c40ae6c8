//! PROTOCOL.md has every limit, code and event. `UPDATE=1 cargo test -p semel-protocol` writes the tables anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fmt::Write as _, fs, path::PathBuf};

use semel_protocol::{Code, socket};

fn document() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/PROTOCOL.md")
}

/// Compares the text between two markers, or replaces it.
fn check(name: &str, table: &str) {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let text = fs::read_to_string(document()).unwrap();
    let from = text.find(&begin).expect("the document has the marker") + begin.len();
    let to = text.find(&end).expect("the document has the end marker");
    if text[from..to] == *table {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "docs/PROTOCOL.md has another table of {name}; write it anew with\n  \
         UPDATE=1 cargo test -p semel-protocol --test document -- --test-threads 1\n\n{table}"
    );
    fs::write(
        document(),
        format!("{}{table}{}", &text[..from], &text[to..]),
    )
    .unwrap();
}

#[test]
fn every_limit_is_documented() {
    let mut table = "| limit | value | of what |\n|---|--:|---|\n".to_owned();
    let mut words = String::new();
    for line in include_str!("../src/limits.rs").lines() {
        if let Some(comment) = line.strip_prefix("/// ") {
            words = format!("{words} {comment}");
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            let (name, rest) = constant.split_once(':').unwrap();
            let (_, value) = rest.split_once(" = ").unwrap();
            let factors = value.trim_end_matches(';').replace('_', "");
            let value: u64 = factors
                .split(" * ")
                .map(|f| f.parse::<u64>().unwrap())
                .product();
            writeln!(table, "| `{name}` | {value} |{words} |").unwrap();
            words.clear();
        }
    }
    check("limits", &table);
}

#[test]
fn every_code_is_documented() {
    let mut table =
        "| code | status | retry | what happened | what to do |\n|---|---|---|---|---|\n"
            .to_owned();
    for code in Code::ALL {
        let retry = if code.is_retryable() { "yes" } else { "no" };
        let (status, title, advice) = (code.status(), code.title(), code.advice());
        writeln!(
            table,
            "| `{code}` | {status} | {retry} | {title} | {advice} |"
        )
        .unwrap();
    }
    check("codes", &table);
}

#[test]
fn every_event_of_a_client_is_documented() {
    let text = fs::read_to_string(document()).unwrap();
    for event in socket::from_client::ALL {
        assert!(
            text.contains(&format!("`{event}`")),
            "{event} is not in docs/PROTOCOL.md"
        );
    }
}
