//! `PostgreSQL`.

use std::{sync::mpsc, thread, time::Duration};

use semel_services::{Postgres, or_skip, shared_postgres};

use crate::until;

/// Long enough for something that is not held up.
const A_MOMENT: Duration = Duration::from_millis(400);

#[test]
fn what_was_committed_is_there_after_a_kill_and_after_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    // Below a directory that is its owner's only.
    let Some(server) = or_skip(Postgres::start(&directory.path().join("one"), &[])) else {
        return;
    };
    let address = server.address();
    server.sql("CREATE TABLE said (words text)").unwrap();
    server.sql("INSERT INTO said VALUES ('one')").unwrap();
    server.kill().unwrap();
    server.sql("SELECT 1").unwrap_err();
    server.restart().unwrap();
    server.sql("INSERT INTO said VALUES ('two')").unwrap();
    server.stop().unwrap();
    server.sql("SELECT 1").unwrap_err();
    server.restart().unwrap();
    assert_eq!(server.address(), address);
    assert_eq!(server.sql("SELECT words FROM said").unwrap(), "one\ntwo");
    server.set("work_mem", "5MB").unwrap();
    assert_eq!(server.sql("SHOW work_mem").unwrap(), "5MB");
    server.database("other").unwrap();
    let name = server.sql_in("other", "SELECT current_database()");
    assert_eq!(name.unwrap(), "other");
}

#[test]
fn a_paused_server_answers_when_it_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = or_skip(Postgres::start(directory.path(), &[])) else {
        return;
    };
    server.pause().unwrap();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let server = &server;
        scope.spawn(move || tell.send(server.sql("SELECT 'here'")).unwrap());
        told.recv_timeout(A_MOMENT).unwrap_err();
        server.resume().unwrap();
        assert_eq!(told.recv().unwrap().unwrap(), "here");
    });
    // A paused one can be killed as well.
    server.pause().unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
}

#[test]
fn a_commit_waits_for_its_standby_which_can_take_over() {
    let directory = tempfile::tempdir().unwrap();
    let Some(primary) = or_skip(Postgres::start(&directory.path().join("one"), &[])) else {
        return;
    };
    let standby = primary.standby(&directory.path().join("two"), "second");
    let standby = standby.unwrap();
    primary.synchronous_standbys(&["second"]).unwrap();
    primary.sql("CREATE TABLE said (words text)").unwrap();
    standby.pause().unwrap();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let primary = &primary;
        let insert = "INSERT INTO said VALUES ('one')";
        scope.spawn(move || tell.send(primary.sql(insert)).unwrap());
        told.recv_timeout(A_MOMENT).unwrap_err();
        standby.resume().unwrap();
        told.recv().unwrap().unwrap();
    });
    standby.sql("INSERT INTO said VALUES ('two')").unwrap_err();
    primary.kill().unwrap();
    standby.promote().unwrap();
    standby.sql("INSERT INTO said VALUES ('two')").unwrap();
    assert_eq!(standby.sql("SELECT words FROM said").unwrap(), "one\ntwo");
    until("it waits for nobody", || {
        standby.synchronous_standbys(&[]).is_ok()
    });
}

#[test]
fn tests_share_a_server() {
    let Some(server) = shared_postgres() else {
        return;
    };
    assert!(server.url("mine").contains("/mine"));
}
