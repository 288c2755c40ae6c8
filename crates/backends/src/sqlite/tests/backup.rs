//! Backup and restore.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use semel_core::{Key, ports::Ledger};

use super::{Sqlite, options};
use crate::{
    Error,
    conformance::{
        Engine, load,
        world::{World, pair, send, sent},
    },
    sqlite::{Existing, SqliteLedger, backup, doctor, restore},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_whole_and_has_what_was_acknowledged_before() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    for number in 1..=20 {
        sent(ledger.submit(send("ann", id, number, "before")).await);
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let load_on = tokio::spawn({
        let (ledger, is_done) = (Arc::clone(&ledger), Arc::clone(&is_done));
        async move {
            let mut number = 100;
            while !is_done.load(SeqCst) {
                number += 1;
                sent(ledger.submit(send("ann", id, number, "meanwhile")).await);
            }
        }
    });
    let file = engine.data_dir().join("copy.db");
    let (data_dir, to) = (engine.data_dir().to_owned(), file.clone());
    let report = tokio::task::spawn_blocking(move || backup(&data_dir, &to))
        .await
        .expect("no panic");
    is_done.store(true, SeqCst);
    load_on.await.expect("no panic");
    let report = report.expect("a backup");
    assert_eq!(report.incarnation, ledger.incarnation());
    assert!(report.entries >= 21);
    assert!(
        matches!(backup(engine.data_dir(), &file), Err(Error::Unusable(_))),
        "it is kept"
    );

    let other = tempfile::tempdir().expect("a directory");
    let world = World::default();
    world.entropy.0.store(1_000, SeqCst);
    let restored =
        restore(&file, other.path(), &Existing::Keep, &*world.entropy).expect("a restore");
    assert_ne!(restored.incarnation, report.incarnation);
    assert_eq!(doctor(other.path(), &|_| {}).expect("the check runs"), []);
    let second = SqliteLedger::open(options(other.path(), &world)).expect("it opens");
    assert_eq!(second.incarnation(), restored.incarnation);
    let rows = load(&*second, &[Key::Thread(id), Key::Message(id, 20)]).await;
    assert!(rows.messages.get(&(id, 20)).flatten().is_some());
    let epoch = rows.threads.get(&id).flatten().map(|thread| thread.epoch);
    assert!(epoch > Some(1), "cursors of before are of no use");
    // What was said before is known: a repeat is a repeat.
    assert!(sent(second.submit(send("ann", id, 1, "before")).await).duplicate);
    assert!(!sent(second.submit(send("ann", id, 1_000, "after")).await).duplicate);
    second.close().await;
    assert_eq!(doctor(other.path(), &|_| {}).expect("the check runs"), []);
}

#[tokio::test]
async fn a_restore_replaces_nothing_unless_told_and_nothing_in_use() {
    let engine = Sqlite::new(World::default());
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    let file = engine.data_dir().join("copy.db");
    backup(engine.data_dir(), &file).expect("a backup");
    sent(
        engine
            .ledger()
            .submit(send("ann", id, 1, "after the backup"))
            .await,
    );
    let entropy = &*engine.world().entropy;
    let aside = engine.data_dir().join("before.db");
    let replace = || Existing::Replace(aside.clone());
    let in_use = restore(&file, engine.data_dir(), &replace(), entropy);
    assert!(matches!(in_use, Err(Error::InUse(_))), "{in_use:?}");
    engine.ledger().close().await;
    let kept = restore(&file, engine.data_dir(), &Existing::Keep, entropy);
    assert!(matches!(kept, Err(Error::Unusable(_))), "{kept:?}");
    let no_backup = engine.data_dir().join("words.db");
    std::fs::write(&no_backup, "words").expect("a file");
    assert!(restore(&no_backup, engine.data_dir(), &replace(), entropy).is_err());
    assert!(
        !aside.exists(),
        "nothing is copied for a restore that fails"
    );
    restore(&file, engine.data_dir(), &replace(), entropy).expect("a restore");
    assert!(aside.exists(), "what was there is kept");
    let options = options(engine.data_dir(), engine.world());
    let ledger = SqliteLedger::open(options).expect("it opens");
    assert_ne!(ledger.incarnation(), engine.ledger().incarnation());
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(
        rows.heads.get(&id).flatten().map(|head| head.last_seq),
        Some(0)
    );
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "words").expect("a file");
    let world = World::default();
    let target = directory.path().join("data");
    let restored = restore(&file, &target, &Existing::Keep, &*world.entropy);
    assert!(restored.is_err());
    assert!(!target.join("semel.db").exists());
}
