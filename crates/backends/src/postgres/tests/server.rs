//! A `PostgreSQL` server for tests: the one that `SEMEL_TEST_POSTGRES_URL` names, else one that the tests of this machine
//! share and that ends some seconds after the last of them.

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

/// Where the server to use instead is.
const URL: &str = "SEMEL_TEST_POSTGRES_URL";
/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(40);

/// Runs `postgres` in `$1` until nobody holds the lock of users any more.
const WATCH: &str = r#"
cd "$1"
sh -c "$2" &
server=$!
while sleep 2 && kill -0 $server 2>/dev/null; do
  exec 8>>start.lock 9>>users.lock
  flock -x 8
  if flock -n -x 9; then
    kill -INT $server
    wait $server
    rm -rf data
    exit
  fi
  exec 8>&- 9>&-
done
"#;

/// A server, in use.
pub(crate) struct Server {
    /// Of its `postgres` database.
    pub(crate) url: String,
    /// Held while it is used.
    _users: Option<File>,
}

/// The server of all tests of this process; none where there is no `PostgreSQL`.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| match env::var(URL) {
            Ok(url) => Some(Server { url, _users: None }),
            Err(_) => shared().or_else(|| {
                skip("PostgreSQL");
                None
            }),
        })
        .as_ref()
}

/// Tells that a part is not tested, as `scripts/common.sh` does.
#[expect(clippy::print_stderr, reason = "whoever runs the tests must see it")]
fn skip(part: &str) {
    let line = format!("{part}: no programs of a server are installed, and {URL} is not set");
    eprintln!("SKIPPED {line}");
    let skips = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/skipped");
    let file = File::options().create(true).append(true).open(skips);
    let told = file.and_then(|mut file| writeln!(file, "{line}"));
    told.expect("the list of skipped parts can be written");
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "in CI nothing may be skipped"
    );
}

fn shared() -> Option<Server> {
    let programs = programs()?;
    let directory = env::temp_dir().join(format!("semel-postgres-{}", account().unwrap_or("own")));
    fs::create_dir_all(&directory).expect("a directory");
    let lock = |name: &str| {
        let path = directory.join(name);
        File::options()
            .append(true)
            .create(true)
            .open(path)
            .expect("a lock file")
    };
    let (start, users) = (lock("start.lock"), lock("users.lock"));
    start.lock().expect("a lock");
    users.lock_shared().expect("a lock");
    let url = format!("postgres://semel@/postgres?host={}", directory.display());
    if !is_running(&programs, &directory) {
        let data = directory.join("data");
        init(&programs, &data);
        let serve = serve(&programs, &data, &directory, "");
        // It outlives this process: other tests may use it then.
        let watch = Command::new("setsid")
            .args(["--fork", "sh", "-c", WATCH, "watch"])
            .arg(&directory)
            .arg(serve)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(
            watch.is_ok_and(|status| status.success()),
            "the server starts"
        );
        wait_for("the server", || is_running(&programs, &directory));
    }
    start.unlock().expect("a lock");
    Some(Server {
        url,
        _users: Some(users),
    })
}

/// Makes an empty cluster that belongs to whoever may run servers.
pub(crate) fn init(programs: &Path, data: &Path) {
    let _ = fs::remove_dir_all(data);
    fs::create_dir_all(data).expect("a directory");
    if let Some(account) = account() {
        for path in [data, data.parent().expect("it is in another")] {
            run(Command::new("chown").arg(account).arg(path));
        }
    }
    let arguments = "--no-sync --auth=trust --encoding=UTF8 --locale=C.UTF-8 --username=semel";
    let initdb = format!(
        "{}/initdb {arguments} -D {}",
        programs.display(),
        data.display()
    );
    run(Command::new("sh")
        .args(["-c", &as_account(&initdb)])
        .stdout(Stdio::null()));
}

/// What starts a server on a socket in a directory.
pub(crate) fn serve(programs: &Path, data: &Path, socket: &Path, more: &str) -> String {
    as_account(&format!(
        "exec {}/postgres -D {} -k {} -c listen_addresses= -c max_connections=200 -c logging_collector=off {more} \
         >{}/../log 2>&1",
        programs.display(),
        data.display(),
        socket.display(),
        data.display(),
    ))
}

/// Root may not run servers: somebody else does.
pub(crate) fn as_account(command: &str) -> String {
    match account() {
        Some(account) => format!(
            "exec setpriv --reuid {account} --regid {account} --clear-groups sh -c '{command}'"
        ),
        None => command.to_owned(),
    }
}

fn account() -> Option<&'static str> {
    let is_root = rustix::process::geteuid().is_root();
    let people = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let has = |name: &str| {
        people
            .lines()
            .any(|line| line.starts_with(&format!("{name}:")))
    };
    is_root.then(|| {
        if has("postgres") {
            "postgres"
        } else {
            "nobody"
        }
    })
}

pub(crate) fn is_running(programs: &Path, socket: &Path) -> bool {
    let ready = Command::new(programs.join("pg_isready"))
        .args(["-q", "-h"])
        .arg(socket)
        .status();
    ready.is_ok_and(|status| status.success())
}

/// Where the programs of a server are: the newest of this machine.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let installed = versions.map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = installed.chain(env::split_paths(&path)).collect();
    found.retain(|directory| {
        let all = [
            "initdb",
            "pg_basebackup",
            "pg_ctl",
            "pg_isready",
            "postgres",
        ];
        all.iter().all(|program| directory.join(program).exists())
    });
    found.sort();
    found.into_iter().next_back()
}

pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("a command of this machine");
    assert!(status.success(), "{command:?}");
}

pub(crate) fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < START_MAX, "{what} does not come");
        thread::sleep(Duration::from_millis(20));
    }
}
