//! The tables of `docs/SCALING.md`, between marks. What is outside of them is written by people.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    Result,
    figures::Figures,
    reckon::{Measured, assumptions},
    rig::Engine,
    still::FOLLOWED,
};

/// Where they are, for who stands at the root of the repository.
pub(crate) const PATH: &str = "docs/SCALING.md";
const END: &str = "<!-- end -->";
/// Servers for which there may be a row.
const SERVERS_MAX: usize = 8;

/// A table, and which one it is.
pub(crate) struct Table {
    name: &'static str,
    pub(crate) text: String,
}

/// All that follow from figures.
pub(crate) fn tables(figures: &Figures, commit: &str) -> Vec<Table> {
    let table = |name, text| Table { name, text };
    let mut tables = vec![
        table("run", run(figures, commit)),
        table("throughput", throughput(figures)),
        table("growth", growth(figures)),
        table("latency", latency(figures)),
        table("hot thread", hot_thread(figures)),
        table("group", group(figures)),
        table("connections", connections(figures)),
        table("looks", looks(figures)),
        table("figures", reckoned_with(figures)),
        table("assumptions", assumptions()),
    ];
    let shown = |name: &str| number(&figures.cell(name));
    if let Ok(measured) = Measured::from(shown) {
        tables.push(table("people", measured.table()));
    }
    tables
}

/// Puts them in the place of those that are there.
pub(crate) fn write(path: &Path, figures: &Figures, commit: &str) -> Result<()> {
    let mut text = fs::read_to_string(path)?;
    for table in tables(figures, commit) {
        text = replaced(&text, &table)?;
    }
    Ok(fs::write(path, text)?)
}

fn mark(name: &str) -> String {
    format!("<!-- {name}: written by `make scaling` -->\n")
}

/// The part of the document behind a mark, without the mark and the end.
fn part<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    let missing = |what| format!("the document has no {what} of the table `{name}`");
    let (_, after) = text
        .split_once(&mark(name))
        .ok_or_else(|| missing("mark"))?;
    let (part, _) = after.split_once(END).ok_or_else(|| missing("end"))?;
    Ok(part)
}

fn replaced(text: &str, table: &Table) -> Result<String> {
    let mark = mark(table.name);
    let old = format!("{mark}{}{END}", part(text, table.name)?);
    Ok(text.replace(&old, &format!("{mark}{}{END}", table.text)))
}

/// A cell as a number.
fn number(cell: &str) -> Result<f64> {
    Ok(cell.replace(',', "").parse()?)
}

fn run(figures: &Figures, commit: &str) -> String {
    let servers = figures.get("asked.servers").unwrap_or(0.0) as usize;
    format!(
        "Commit {commit}, {} cores for everything, {} s for each load, up to {servers} servers.\n",
        figures.cell("machine.cores"),
        figures.get("asked.seconds").unwrap_or(0.0),
    )
}

/// Engines that were measured.
fn engines(figures: &Figures) -> Vec<Engine> {
    let all = [Engine::Sqlite]
        .into_iter()
        .chain((1..=SERVERS_MAX).map(Engine::Postgres));
    let is_there = |engine: &Engine| {
        figures
            .get(&format!("{}.pairs.per_second", engine.name()))
            .is_some()
    };
    all.filter(is_there).collect()
}

/// A table with a row for each engine.
fn by_engine(figures: &Figures, head: &[&str], cells: impl Fn(&str) -> Vec<String>) -> String {
    let mut text = header(head);
    for engine in engines(figures) {
        let cells = cells(&engine.name()).join(" | ");
        // Writing into a string does not fail.
        let _ = writeln!(text, "| {} | {cells} |", engine.text());
    }
    text
}

fn header(head: &[&str]) -> String {
    format!(
        "| | {} |\n|---|{}\n",
        head.join(" | "),
        "--:|".repeat(head.len())
    )
}

fn times(figures: &Figures, name: &str) -> String {
    figures.cells([format!("{name}_p50_ms"), format!("{name}_p99_ms")])
}

fn throughput(figures: &Figures) -> String {
    let head = [
        "messages/s",
        "of SQLite",
        "ack p50 · p99, ms",
        "servers",
        "PostgreSQL",
        "Redis",
        "generator",
        "cores busy",
    ];
    let sqlite = figures.get("sqlite.pairs.per_second");
    by_engine(figures, &head, |engine| {
        let name = format!("{engine}.pairs");
        let rate = figures.get(&format!("{name}.per_second"));
        let share = rate
            .zip(sqlite)
            .map(|(rate, sqlite)| format!("{:.0} %", rate / sqlite * 100.0));
        let mut cells = vec![
            figures.cell(&format!("{name}.per_second")),
            share.unwrap_or_default(),
            times(figures, &format!("{name}.ack")),
        ];
        for part in [
            "cpu_servers",
            "cpu_postgres",
            "cpu_redis",
            "cpu_generator",
            "busy",
        ] {
            cells.push(figures.cell(&format!("{name}.{part}")));
        }
        cells
    })
}

fn growth(figures: &Figures) -> String {
    let head = [
        "messages/s",
        "of one server",
        "ack p50 · p99, ms",
        "servers",
        "PostgreSQL",
        "cores busy",
    ];
    let rate = |engine: Engine| figures.get(&format!("{}.held.per_second", engine.name()));
    let one = rate(Engine::Postgres(1));
    let mut text = header(&head);
    for engine in engines(figures) {
        let Some((rate, one)) = rate(engine).zip(one) else {
            continue;
        };
        let name = format!("{}.held", engine.name());
        let cell = |part: &str| figures.cell(&format!("{name}.{part}"));
        let cells = [
            cell("per_second"),
            format!("{:.0} %", rate / one * 100.0),
            times(figures, &format!("{name}.ack")),
            cell("cpu_servers"),
            cell("cpu_postgres"),
            cell("busy"),
        ];
        let _ = writeln!(text, "| {} | {} |", engine.text(), cells.join(" | "));
    }
    text
}

fn latency(figures: &Figures) -> String {
    let head = ["ack p50 · p99, ms", "send to screen p50 · p99, ms"];
    by_engine(figures, &head, |engine| {
        ["ack", "screen"]
            .map(|what| times(figures, &format!("{engine}.gentle.{what}")))
            .to_vec()
    })
}

fn hot_thread(figures: &Figures) -> String {
    let head = [
        "acknowledged/s",
        "ack p50 · p99, ms",
        "screen p50 · p99, ms",
        "messages a commit",
        "batches run again",
        "entries fetched, %",
        "deadlocks",
        "CPU of servers",
        "of PostgreSQL",
    ];
    by_engine(figures, &head, |engine| {
        let cell = |name: &str| figures.cell(&format!("{engine}.{name}"));
        vec![
            cell("hot.per_second"),
            times(figures, &format!("{engine}.hot.ack")),
            times(figures, &format!("{engine}.hot.screen")),
            cell("hot.batch"),
            cell("hot.reruns"),
            cell("hot.fetched_percent"),
            cell("deadlocks"),
            cell("hot.cpu_servers"),
            cell("hot.cpu_postgres"),
        ]
    })
}

fn group(figures: &Figures) -> String {
    let head = [
        "deliveries/s",
        "send to screen p50 · p99, ms",
        "CPU of servers for 1,000 deliveries",
        "messages over Redis for a message",
        "questions to the database for a message",
    ];
    by_engine(figures, &head, |engine| {
        let cell = |name: &str| figures.cell(&format!("{engine}.group.{name}"));
        vec![
            cell("deliveries_per_second"),
            times(figures, &format!("{engine}.group.screen")),
            cell("cpu_servers"),
            cell("told"),
            cell("questions"),
        ]
    })
}

fn connections(figures: &Figures) -> String {
    let head = [
        "KiB for a connection",
        "connects/s",
        "CPU of servers",
        "of Redis",
    ];
    let mut text = header(&head);
    for engine in engines(figures) {
        let name = format!("{}.idle", engine.name());
        if figures.get(&format!("{name}.connection_kib")).is_some() {
            let cells = [
                "connection_kib",
                "connects_per_second",
                "cpu_servers",
                "cpu_redis",
            ];
            let cells = cells
                .map(|cell| figures.cell(&format!("{name}.{cell}")))
                .join(" | ");
            let _ = writeln!(text, "| {} | {cells} |", engine.text());
        }
    }
    text
}

fn looks(figures: &Figures) -> String {
    let head = [
        "looks/s",
        "ms for a look",
        "questions/s",
        "CPU of a server",
        "of PostgreSQL",
    ];
    let mut text = header(&head);
    for count in FOLLOWED {
        let cells = [
            "per_second",
            "milliseconds",
            "questions",
            "cpu_servers",
            "cpu_postgres",
        ];
        let cells = cells
            .map(|cell| figures.cell(&format!("look.{count}.{cell}")))
            .join(" | ");
        let _ = writeln!(
            text,
            "| {} threads | {cells} |",
            semel_load::scenario::thousands(count as u64)
        );
    }
    text
}

fn reckoned_with(figures: &Figures) -> String {
    let mut text = "| measured | | |\n|---|--:|---|\n".to_owned();
    for (name, what) in Measured::NAMES {
        let _ = writeln!(text, "| {what} | {} | `{name}` |", figures.cell(name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is in the repository.
    fn document() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::read_to_string(root.join(PATH)).unwrap()
    }

    /// The figure of a name in the table of figures.
    fn figure(text: &str, name: &str) -> Result<f64> {
        let row = part(text, "figures")?
            .lines()
            .find(|row| row.contains(&format!("`{name}`")));
        let row = row.ok_or_else(|| format!("{name} is not in the table of figures"))?;
        number(row.split(" | ").nth(1).unwrap_or_default())
    }

    #[test]
    fn every_table_has_its_place() {
        let mut text = document();
        for table in tables(&Figures::default(), "commit") {
            text = replaced(&text, &table).unwrap();
            assert_eq!(part(&text, table.name).unwrap(), table.text);
        }
    }

    #[test]
    fn what_people_need_is_what_follows_from_the_figures_and_assumptions_of_the_document() {
        let text = document();
        if part(&text, "figures").unwrap().is_empty() {
            // Before the first run there is nothing to reckon with.
            return assert_eq!(part(&text, "people").unwrap(), "");
        }
        let measured = Measured::from(|name| figure(&text, name)).unwrap();
        let is_stale = "is not what follows: run `make scaling`, or its program with `--again`";
        assert_eq!(
            part(&text, "people").unwrap(),
            measured.table(),
            "{is_stale}"
        );
        assert_eq!(
            part(&text, "assumptions").unwrap(),
            assumptions(),
            "{is_stale}"
        );
    }

    #[test]
    fn growth_is_told_of_servers_that_were_held() {
        let mut figures = Figures::default();
        for (engine, rate, held) in [
            ("sqlite", 900.0, None),
            ("postgres_1", 800.0, Some(200.0)),
            ("postgres_2", 700.0, Some(380.0)),
        ] {
            figures.set(format!("{engine}.pairs.per_second"), rate);
            if let Some(held) = held {
                figures.set(format!("{engine}.held.per_second"), held);
            }
        }
        let text = growth(&figures);
        assert!(
            text.contains("| PostgreSQL, 2 servers | 380 | 190 % |"),
            "{text}"
        );
        assert!(!text.contains("SQLite"), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let mut figures = Figures::default();
        figures.set("sqlite.pairs.per_second", 200.0);
        figures.set("postgres_1.pairs.per_second", 150.0);
        let text = throughput(&figures);
        assert!(
            text.contains("| PostgreSQL, 1 server | 150 | 75 % | – · – | – |"),
            "{text}"
        );
        assert!(!text.contains("2 servers"));
    }
}
