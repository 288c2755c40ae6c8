//! The house rules that a program can check.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "tidy/deploy.rs"]
mod deploy;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Lines of one file: beyond this, readers get lost.
const FILE_LINES_MAX: usize = 800;
/// Folders, and files, with nothing of ours.
const FOREIGN: &[&str] = &[
    "target",
    "node_modules",
    ".git",
    ".venv",
    "__pycache__",
    "data",
    "web-dist",
    "docs-api",
    "test-results",
    "testdata",
];
/// Which of our crates a crate may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("sabotage", &[]),
    ("services", &[]),
    ("core", &["protocol", "sabotage"]),
    ("check", &["protocol"]),
    ("client", &["protocol", "sabotage"]),
    ("load", &["check", "client", "protocol"]),
    ("backends", &["core", "protocol", "sabotage"]),
    ("server", &["backends", "core", "protocol", "sabotage"]),
    (
        "cli",
        &[
            "backends", "check", "client", "core", "load", "protocol", "sabotage", "server",
        ],
    ),
    (
        "testkit",
        &[
            "backends", "check", "client", "load", "protocol", "sabotage", "services",
        ],
    ),
    (
        "sim",
        &[
            "backends", "check", "client", "core", "load", "protocol", "sabotage", "server",
        ],
    ),
];
/// Where a foreign crate may be named at all.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["backends"]),
    ("axum", &["server"]),
    (
        "tokio",
        &[
            "backends", "server", "client", "load", "sim", "cli", "testkit",
        ],
    ),
    ("clap", &["cli", "sim", "testkit"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Every text file of ours, with its path from the root.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // In a second working tree `.git` is a file.
            if FOREIGN.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path)
                && !has_ending(&name, &[".lock", "package-lock.json"])
            {
                let path = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.ends_with(ending))
}

#[test]
fn files_stay_small() {
    let sources = [".rs", ".js", ".mjs", ".py", ".css", ".sql", ".sh"];
    for (path, text) in files()
        .iter()
        .filter(|(path, _)| has_ending(path, &sources))
    {
        let lines = text.lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{path} has {lines} lines; find the seam and split it"
        );
    }
}

#[test]
fn crates_depend_on_what_they_may_only() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = EDGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        folders, known,
        "a new crate needs a line here, and a dependency that it forbids"
    );
    for (name, allowed) in EDGES {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for dependency in dependencies.into_iter().flat_map(toml::map::Map::keys) {
            if let Some(ours) = dependency.strip_prefix("semel-") {
                assert!(
                    allowed.contains(&ours),
                    "{name} must not depend on {dependency}"
                );
            }
            if let Some((_, homes)) = HOMES.iter().find(|(foreign, _)| foreign == dependency) {
                assert!(
                    homes.contains(name),
                    "{dependency} does not belong into {name}"
                );
            }
        }
    }
}

#[test]
fn nothing_is_left_for_later_or_for_one_machine() {
    // In pieces, so that this file does not find itself.
    let words = [
        "TO\u{44}O",
        "FIX\u{4d}E",
        "XX\u{58}:",
        "/wor\u{6b}/",
        "/far\u{6d}/",
        "/roo\u{74}/",
    ];
    for (path, text) in files() {
        for word in words {
            assert!(!text.contains(word), "{path} has {word}");
        }
    }
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("[workspace.dependencies]\n").unwrap();
    let (lines, _) = rest.split_once("\n[").unwrap();
    for line in lines
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("semel-"))
    {
        assert!(
            line.contains(" # "),
            "say what this dependency is for: {line}"
        );
    }
}

/// A rule of PROTOCOL.md is held by a test that carries its id, or by the tests that the rule names in brackets.
#[test]
fn every_rule_of_the_protocol_has_a_test() {
    let sources: Vec<_> = files()
        .into_iter()
        .filter(|(path, _)| has_ending(path, &[".rs", ".mjs", ".js", ".py"]))
        .collect();
    let tests: BTreeSet<&str> = sources.iter().flat_map(|(_, text)| names(text)).collect();
    let protocol = fs::read_to_string(root().join("docs/PROTOCOL.md")).unwrap();
    let mut missing = Vec::new();
    for rule in protocol.split("- **P-").skip(1) {
        let (id, text) = rule.split_once("**").unwrap();
        let text = text.split_once("\n\n").map_or(text, |(text, _)| text);
        let own = format!("p_{}_", id.to_lowercase().replace('-', "_"));
        let named = text
            .rsplit_once('[')
            .and_then(|(_, named)| named.trim().strip_suffix(']'));
        let named: Vec<_> = named
            .into_iter()
            .flat_map(|it| it.split(','))
            .map(tidied)
            .collect();
        let holds = |prefix: &str| tests.iter().any(|test| test.starts_with(prefix));
        let is_held = if named.is_empty() {
            holds(&own)
        } else {
            named.iter().all(|prefix| holds(prefix))
        };
        if !is_held {
            missing.push(format!("P-{id}"));
        }
    }
    assert!(missing.is_empty(), "rules without a test: {missing:?}");
}

/// What SECURITY.md names as evidence is there: tests and names that read like them.
#[test]
fn evidence_of_security_exists() {
    let sources: Vec<_> = files()
        .into_iter()
        .filter(|(path, _)| {
            has_ending(path, &[".rs", ".ts", ".tsx", ".mjs", ".js", ".py", ".toml"])
        })
        .collect();
    let is_named = |name: &str| sources.iter().any(|(_, text)| text.contains(name));
    let security = fs::read_to_string(root().join("docs/SECURITY.md")).unwrap();
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    // Every second part is between backticks.
    let quoted = security.split('`').skip(1).step_by(2);
    let names = quoted.filter(|it| it.matches('_').count() >= 2 && it.chars().all(is_part));
    let missing: BTreeSet<&str> = names.filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "named, and not there: {missing:?}");
}

fn tidied(name: &str) -> &str {
    name.trim().trim_matches('`')
}

/// Names of functions and of JavaScript tests, which begin with the id.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let functions = text.split("fn ").skip(1).chain(text.split("def ").skip(1));
    let tests = text.split("test(\"").skip(1);
    functions.chain(tests).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}
