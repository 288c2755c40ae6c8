//! Servers of one test's own, to break and to promote.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio_postgres::Client;

use super::{
    client,
    server::{as_account, init, is_running, programs, run, serve, wait_for},
};

/// Runs `$1` until its input ends, which it does with the test.
const WATCH: &str = r#"
sh -c "$1" </dev/null &
server=$!
read end
kill -QUIT $server
wait
"#;

/// A server with files of its own.
pub(super) struct Cluster {
    directory: TempDir,
    watch: Option<Child>,
}

impl Cluster {
    /// An empty one; none where there is no `PostgreSQL`.
    pub(super) fn new(settings: &str) -> Option<Self> {
        super::server::server()?;
        let mut cluster = Self {
            directory: tempfile::tempdir().expect("a directory"),
            watch: None,
        };
        init(&programs()?, &cluster.data());
        cluster.start(settings);
        Some(cluster)
    }

    /// One that follows another.
    pub(super) fn standby_of(primary: &Self, settings: &str) -> Self {
        let mut cluster = Self {
            directory: tempfile::tempdir().expect("a directory"),
            watch: None,
        };
        let programs = programs().expect("they are there");
        init(&programs, &cluster.data());
        fs::remove_dir_all(cluster.data()).expect("it is there");
        let copy = format!(
            "{}/pg_basebackup -h {} -U semel -D {} -R -X stream -c fast",
            programs.display(),
            primary.socket().display(),
            cluster.data().display()
        );
        run(Command::new("sh").args(["-c", &as_account(&copy)]));
        cluster.start(settings);
        cluster
    }

    pub(super) fn start(&mut self, settings: &str) {
        let programs = programs().expect("they are there");
        let serve = serve(&programs, &self.data(), self.socket(), settings);
        let watch = Command::new("sh")
            .args(["-c", WATCH, "watch"])
            .arg(serve)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.watch = Some(watch.expect("a shell"));
        wait_for("the server", || is_running(&programs, self.socket()));
    }

    /// As if it lost its power.
    pub(super) fn kill(&mut self) {
        let _ = self.control("stop -m immediate");
        self.end();
    }

    /// It takes the place of the one that it followed.
    pub(super) fn promote(&self) {
        assert!(self.control("promote -w"), "it is promoted");
    }

    fn control(&self, what: &str) -> bool {
        let programs = programs().expect("they are there");
        let control = format!(
            "{}/pg_ctl -D {} {what}",
            programs.display(),
            self.data().display()
        );
        let status = Command::new("sh")
            .args(["-c", &as_account(&control)])
            .stdout(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn end(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            let _ = watch.wait();
        }
    }

    pub(super) fn socket(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(super) fn url(&self) -> String {
        format!(
            "postgres://semel@/postgres?host={}",
            self.socket().display()
        )
    }

    pub(super) async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// Changes a setting of the running server, and waits until it has it.
    pub(super) async fn set(&self, name: &str, value: &str) {
        let client = self.client().await;
        let set = format!("ALTER SYSTEM SET {name} = '{value}'");
        client.batch_execute(&set).await.expect("a setting");
        client
            .batch_execute("SELECT pg_reload_conf()")
            .await
            .expect("it reads it");
        loop {
            let fresh = self.client().await;
            let now = fresh
                .query_one("SELECT current_setting($1)", &[&name])
                .await;
            if now.expect("a setting").get::<_, String>(0) == value {
                return;
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}
