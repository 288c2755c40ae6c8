//! What operators do with a database of `PostgreSQL`, with the built program.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    path::Path,
    process::{Command, Output},
};

use semel_services::{Postgres, or_skip};
use semel_testkit::{Launch, SECRET, Semel, binary};

/// The program with a database and the servers' secret, in an environment of nothing else.
fn semel(directory: &Path, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.env_clear().current_dir(directory);
    command.env("DATABASE_URL", url).args(arguments);
    command.env("JWT_SECRET_KEY", SECRET);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}

fn serve(directory: &Path, url: &str) -> Semel {
    let launch = Launch {
        environment: vec![("DATABASE_URL".into(), url.into())],
        ..Launch::default()
    };
    Semel::start_with(binary(), &directory.join("data"), launch).unwrap()
}

#[test]
fn req_f1_doctor_tells_three_things_apart_beside_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let Some(postgres) = or_skip(Postgres::start(&path.join("postgres"), &[])) else {
        return;
    };
    let url = postgres.database("semel").unwrap();
    let doctor = |arguments: &[&str]| semel(path, &url, &[&["doctor"], arguments].concat());
    let empty = doctor(&[]);
    assert_eq!(empty.status.code(), Some(2), "{}", said(&empty));
    assert!(said(&empty).contains("empty"), "{}", said(&empty));

    let added = semel(path, &url, &["user", "add", "ada"]);
    assert!(added.status.success(), "{}", said(&added));
    let server = serve(path, &url);
    let sound = doctor(&[]);
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    assert!(said(&sound).contains("pg_amcheck"), "{}", said(&sound));

    let damage = "INSERT INTO person_log VALUES ('ada', 'contact', 'bob', 7)";
    postgres.sql_in("semel", damage).unwrap();
    let found = doctor(&[]);
    assert_eq!(found.status.code(), Some(1));
    let line = String::from_utf8(found.stdout).unwrap();
    assert!(
        line.starts_with("people's own logs: person ada: "),
        "{line}"
    );

    let elsewhere = doctor(&["--database-url", &postgres.url("nothing")]);
    assert_eq!(elsewhere.status.code(), Some(2), "{}", said(&elsewhere));
    drop(server);
}

#[test]
fn backup_and_restore_say_what_is_for_postgresql_and_restored_finishes_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let Some(postgres) = or_skip(Postgres::start(&path.join("postgres"), &[])) else {
        return;
    };
    let url = postgres.database("semel").unwrap();
    for (arguments, instead) in [
        (["backup", "copy.db"], "pg_dump"),
        (["restore", "copy.db"], "pg_restore"),
    ] {
        let refused = semel(path, &url, &arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains(instead), "{}", said(&refused));
        assert!(said(&refused).contains("semel restored"));
        assert!(!path.join("copy.db").exists());
    }
    let early = semel(path, &url, &["restored"]);
    assert_eq!(early.status.code(), Some(1), "{}", said(&early));

    let mut server = serve(path, &url);
    let name = "SELECT convert_from(value, 'UTF8') FROM meta WHERE key = 'incarnation'";
    let before = postgres.sql_in("semel", name).unwrap();
    let beside = semel(path, &url, &["restored"]);
    assert_eq!(beside.status.code(), Some(1), "{}", said(&beside));
    assert!(said(&beside).contains("stop them"), "{}", said(&beside));
    assert!(server.stop().unwrap().success());

    let done = semel(path, &url, &["restored"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let after = postgres.sql_in("semel", name).unwrap();
    assert_ne!(after, before);
    assert!(said(&done).contains(&after), "{}", said(&done));
    // Of SQLite nothing has to be said twice.
    let sqlite = semel(path, "sqlite:./data/semel.db", &["restored"]);
    assert!(
        said(&sqlite).contains("semel restore FILE"),
        "{}",
        said(&sqlite)
    );
}
