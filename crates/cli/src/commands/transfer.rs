//! `semel transfer`.

use std::{
    io::IsTerminal as _,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use semel_backends::{
    Progress,
    transfer::{self, Compared, Place, Summary},
};
use semel_load::scenario::thousands;
use semel_server::world::SystemEntropy;

use super::{Failure, Outcome};
use crate::{args::TransferArgs, output};

/// Between two lines on how far it is, where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Moves a database, or compares two.
pub(crate) fn run(args: &TransferArgs) -> Outcome {
    let (from, to) = (place("--from", &args.from)?, place("--to", &args.to)?);
    // Reading and writing go on side by side.
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    let shown = Shown::new();
    let tell = |progress: Progress| shown.tell(progress);
    let began = Instant::now();
    if args.verify_only {
        output::note(format_args!("Comparing {from} with {to} …"));
        let compared = runtime.block_on(transfer::verify(&from, &to, &tell));
        shown.end();
        let compared =
            compared.map_err(|error| Failure::because("they were not compared", &error))?;
        return Ok(told(&compared, began.elapsed()));
    }
    output::note(format_args!("Moving {from} to {to} …"));
    let done = runtime.block_on(transfer::transfer(&from, &to, &SystemEntropy, &tell));
    shown.end();
    let summary = done.map_err(|error| Failure::because("it was not moved", &error))?;
    told(&summary.tables, began.elapsed());
    output::result(advice(&summary, &to));
    Ok(ExitCode::SUCCESS)
}

/// A database, or the variable of the environment that names it: arguments are seen by everybody on the machine.
fn place(flag: &str, text: &str) -> Result<Place, Failure> {
    let named = match text.strip_prefix("env:") {
        Some(name) => std::env::var(name)
            .map_err(|error| Failure::because(format!("{flag}: the variable {name}"), &error))?,
        None => text.to_owned(),
    };
    named
        .parse()
        .map_err(|error| Failure::because(format!("{flag} is not a database"), &error))
}

/// Tells what both ends have.
fn told(tables: &[Compared], time: Duration) -> ExitCode {
    for table in tables {
        if table.is_same() {
            let rows = thousands(table.source.rows);
            let hash = &table.source.hash[..16];
            output::result(format_args!("{:18} {rows:>12} rows  {hash}", table.table));
        } else {
            output::result(table);
        }
    }
    let different = tables.iter().filter(|table| !table.is_same()).count();
    let rows: u64 = tables.iter().map(|table| table.source.rows).sum();
    let (rows, seconds) = (thousands(rows), time.as_secs_f64());
    if different == 0 {
        output::result(format_args!(
            "Both have the same {rows} rows, read from each by itself ({seconds:.1} s)."
        ));
        return ExitCode::SUCCESS;
    }
    output::note(format_args!("{different} tables differ."));
    ExitCode::FAILURE
}

fn advice(summary: &Summary, to: &Place) -> String {
    let before = match summary.rows_before {
        0 => String::new(),
        rows => format!(", after {} of an earlier attempt", thousands(rows)),
    };
    let setting = match to {
        Place::Sqlite(directory) => format!("sqlite:{}/semel.db", directory.display()),
        Place::Postgres(_) => "the address of the target".to_owned(),
    };
    format!(
        "Moved {} rows{before}. It is the same database ({}): start servers with DATABASE_URL={setting} and the same \
         signing secret, and devices go on where they were. Do not start one on the source any more.",
        thousands(summary.rows_moved),
        summary.incarnation,
    )
}

/// How far it is: a bar on a terminal, else a line now and then.
struct Shown {
    bar: ProgressBar,
    /// When the last line was written, and of what.
    line: Mutex<(Instant, &'static str)>,
}

impl Shown {
    fn new() -> Self {
        let template = "{spinner} {msg} {human_pos} of {human_len} rows {wide_bar} {per_sec} {eta}";
        let style = ProgressStyle::with_template(template).expect("the template is valid");
        Self {
            bar: ProgressBar::new(0).with_style(style),
            line: Mutex::new((Instant::now(), "")),
        }
    }

    fn tell(&self, progress: Progress) {
        let mut line = self.line.lock().expect("nobody panics while telling");
        let is_new = line.1 != progress.what;
        if !std::io::stderr().is_terminal() {
            if is_new || line.0.elapsed() >= LINE_EVERY {
                *line = (Instant::now(), progress.what);
                let (done, total) = (thousands(progress.done), thousands(progress.total));
                output::note(format_args!("{}: {done} of {total} rows", progress.what));
            }
            return;
        }
        if is_new {
            line.1 = progress.what;
            self.bar.set_message(progress.what);
            self.bar.set_length(progress.total);
            self.bar.reset();
        }
        self.bar.set_position(progress.done);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
