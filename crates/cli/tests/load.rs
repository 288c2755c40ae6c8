//! `semel load` as its users meet it: a server of its own, load by name, a table, JSON, a verdict.
//!
//! How fast it is depends on the machine and is not asserted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn load(directory: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_semel"))
        .current_dir(directory)
        .env_clear()
        .arg("load")
        .args(args)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn measure(run: &Value, name: &str) -> f64 {
    let measures = run["measures"].as_array().unwrap();
    let found = measures.iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {run:#}"))["value"]
        .as_f64()
        .unwrap()
}

/// The run of one scenario, judged to be right.
fn judged(directory: &Path, scenario: &str, args: &[&str]) -> Value {
    let args = [
        &["--scenario", scenario, "--check", "--json", "run.json"],
        args,
    ]
    .concat();
    let output = load(directory, &args);
    let (out, err) = (stdout(&output), stderr(&output));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("PASSED"), "{out}");
    let json: Value =
        serde_json::from_slice(&std::fs::read(directory.join("run.json")).unwrap()).unwrap();
    assert_eq!(
        (&json["semel_load"], &json["server"]),
        (&1.into(), &"own".into())
    );
    let run = json["runs"][0].clone();
    assert_eq!(run["scenario"], scenario);
    assert_eq!(run["check"]["verdict"], "passed");
    assert_eq!(run["failures"], Value::Array(vec![]));
    run
}

#[test]
fn pairs_are_stored_seen_and_judged() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["--rate", "50", "--connections", "10", "--duration", "2"];
    let run = judged(directory.path(), "pairs", &args);
    assert_eq!(run["achieved"]["done"], 100);
    assert_eq!(run["achieved"]["failed"], 0);
    // Both people of five threads see the beginning of their thread and its messages.
    assert_eq!(run["achieved"]["delivered"], 2 * (5 + 100));
    assert_eq!(run["times_us"]["ack"]["count"], 100);
    assert_eq!(run["times_us"]["screen"]["count"], 100);
}

#[test]
fn of_many_copies_at_once_one_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["--rate", "30", "--connections", "12", "--duration", "1"];
    let run = judged(directory.path(), "duplicate-storm", &args);
    assert_eq!(run["achieved"]["done"], 150);
    for wrong in ["stored_twice", "answers_differ", "missing"] {
        assert!(measure(&run, wrong).abs() < f64::EPSILON, "{wrong}");
    }
}

#[test]
fn l2_everybody_is_back_with_everything_after_the_server_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["--rate", "40", "--connections", "50", "--duration", "2"];
    let run = judged(directory.path(), "reconnect-storm", &args);
    assert!((measure(&run, "devices_caught_up") - 50.0).abs() < f64::EPSILON);
    assert_eq!(run["times_us"]["back"]["count"], 50);
    assert_eq!(run["times_us"]["caught_up"]["count"], 50);
    assert_eq!(run["achieved"]["failed"], 0);
}

#[test]
fn errors_say_what_to_do_next() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |args: &[&str]| {
        let output = load(directory.path(), args);
        assert!(!output.status.success());
        stderr(&output).to_owned()
    };
    let unknown = refused(&["--scenario", "pears"]);
    assert!(unknown.contains("there are pairs, group-100"), "{unknown}");
    let endless = refused(&["--duration", "1000000"]);
    assert!(endless.contains("1..=3600"), "{endless}");
    let closed = refused(&["--scenario", "mixed", "--rate", "max", "--duration", "1"]);
    assert!(
        closed.contains("say a number of messages a second"),
        "{closed}"
    );
    let nobody = refused(&["--url", "http://127.0.0.1:9", "--duration", "1"]);
    assert!(nobody.contains("is the server running there"), "{nobody}");
}
