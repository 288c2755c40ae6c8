//! `semel demo` on real logs: the whole program, real sockets, faults put in.

use std::process::Command;

fn demo(file: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let path = format!("{}/testdata/ubuntu-irc/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_semel"));
    let output = command
        .arg("demo")
        .arg(path)
        .args(arguments)
        .output()
        .expect("the demo runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn a_real_log_is_replayed_without_loss_or_double() {
    let (code, text) = demo(
        "2004-11-15_03.excerpt.txt",
        &["--faults", "60", "--seed", "7"],
    );
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("every client saw the same log"), "{text}");
    assert!(
        text.contains("lines read                            100"),
        "{text}"
    );
}

#[test]
fn control_characters_and_other_languages_come_back_as_they_were_sent() {
    let (code, text) = demo("2011-05-29_19.excerpt.txt", &["--faults", "0"]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn what_is_no_log_is_refused_with_a_reason() {
    let (code, text) = demo("README.md", &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("is it an IRC log?"), "{text}");
}
