//! One server for all tests of this machine.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use super::programs::{self, Programs};
use crate::{
    Trouble,
    account::{self, account},
    or_skip,
    process::until,
};

/// Where the server to use instead is.
const URL: &str = "SEMEL_TEST_POSTGRES_URL";
const START_MAX: Duration = Duration::from_secs(40);
/// Of its socket: it listens nowhere else.
const PORT: &str = "5432";

/// Runs what comes after `$1` in that directory until nobody holds the lock of users any more.
const WATCH: &str = r#"
cd "$1"
shift
"$@" >log 2>&1 &
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

/// A server that others use as well.
#[derive(Debug)]
pub struct Shared {
    url: String,
    /// Held while it is used.
    _users: Option<File>,
}

impl Shared {
    /// The address of one of its databases. The one that everybody has is `postgres`.
    pub fn url(&self, database: &str) -> String {
        self.url.replacen("/postgres", &format!("/{database}"), 1)
    }

    /// Runs one statement in one of its databases; its rows, a line each, with `|` between the columns.
    pub fn sql_in(&self, database: &str, statement: &str) -> Result<String, Trouble> {
        programs::sql(Path::new("psql"), &self.url(database), statement)
    }
}

/// The server that `SEMEL_TEST_POSTGRES_URL` names, else one that the tests of this machine share and that ends some seconds
/// after the last of them. None, with a line that says so, where there is no `PostgreSQL`.
///
/// # Panics
///
/// If it is installed and does not start, or with `CI=true`, where nothing may be skipped.
pub fn shared_postgres() -> Option<&'static Shared> {
    static SERVER: OnceLock<Option<Shared>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match env::var(URL) {
        Ok(url) => Some(Shared { url, _users: None }),
        Err(_) => or_skip(shared()),
    });
    server.as_ref()
}

fn shared() -> Result<Shared, Trouble> {
    let programs = Programs::find()?;
    let directory = env::temp_dir().join(format!("semel-postgres-{}", account().unwrap_or("own")));
    account::directory(&directory).map_err(Trouble::when("make a directory for PostgreSQL"))?;
    let (start, users) = (
        lock_file(&directory, "start.lock")?,
        lock_file(&directory, "users.lock")?,
    );
    let locked = start.lock().and_then(|()| users.lock_shared());
    locked.map_err(Trouble::when("lock what tests share"))?;
    if !programs.is_ready_at(&directory, PORT) {
        launch(&programs, &directory)?;
    }
    start
        .unlock()
        .map_err(Trouble::when("unlock what tests share"))?;
    Ok(Shared {
        url: format!("postgres://semel@/postgres?host={}", directory.display()),
        _users: Some(users),
    })
}

fn lock_file(directory: &Path, name: &str) -> Result<File, Trouble> {
    let file = File::options()
        .append(true)
        .create(true)
        .open(directory.join(name));
    file.map_err(Trouble::when("open a lock file"))
}

/// Starts it so that it outlives this process: other tests may use it then.
fn launch(programs: &Programs, directory: &PathBuf) -> Result<(), Trouble> {
    let data = super::data(directory);
    programs.init(&data)?;
    let serve = programs.serve(&data);
    let mut watch = Command::new("setsid");
    watch
        .args(["--fork", "sh", "-c", WATCH, "watch"])
        .arg(directory)
        .arg(serve.get_program())
        .args(serve.get_args())
        .args(["-c", "listen_addresses=", "-c"])
        .arg(format!("unix_socket_directories={}", directory.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let doing = "start the PostgreSQL of all tests";
    account::run(doing, &mut watch)?;
    let is_ready = || programs.is_ready_at(directory, PORT);
    until("it is ready", START_MAX, is_ready).map_err(|error| {
        let said = fs::read_to_string(directory.join("log")).unwrap_or_default();
        Trouble::told(doing, format!("{error}; its log says: {}", said.trim()))
    })
}
