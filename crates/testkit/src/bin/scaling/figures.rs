//! Figures by name, and what JSON and tables make of them.

use std::{collections::BTreeMap, fs, io, path::Path};

use semel_load::scenario::Times;
use serde_json::{Value, json};

use crate::Result;

/// Figures by name. Times in milliseconds, sizes in bytes or as the name says, processor time in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn set(&mut self, name: impl Into<String>, value: f64) {
        self.0.insert(name.into(), value);
    }

    /// The half and the 99th percentile of times.
    pub(crate) fn times(&mut self, name: &str, times: &Times) {
        self.set(format!("{name}_p50_ms"), times.p50 as f64 / 1_000.0);
        self.set(format!("{name}_p99_ms"), times.p99 as f64 / 1_000.0);
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// As a cell of a table; a dash for what was not measured.
    pub(crate) fn cell(&self, name: &str) -> String {
        self.get(name).map_or("–".to_owned(), shown)
    }

    /// Two of them in one cell.
    pub(crate) fn cells(&self, names: [String; 2]) -> String {
        names.map(|name| self.cell(&name)).join(" · ")
    }

    /// Writes them, with which program was measured.
    pub(crate) fn write(&self, path: &Path, commit: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let report = json!({ "scaling": self.0, "commit": commit });
        fs::write(path, format!("{report:#}\n"))
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(path: &Path) -> Result<(Self, String)> {
        let report: Value = serde_json::from_slice(&fs::read(path)?)?;
        let figures = report["scaling"]
            .as_object()
            .ok_or("this is no report of scaling")?;
        let figure = |(name, value): (&String, &Value)| Some((name.clone(), value.as_f64()?));
        let commit = report["commit"].as_str().unwrap_or("unknown").to_owned();
        Ok((Self(figures.iter().filter_map(figure).collect()), commit))
    }
}

/// With three digits that mean something, and commas.
pub(crate) fn shown(value: f64) -> String {
    if value >= 100.0 {
        return semel_load::scenario::thousands(value.round() as u64);
    }
    let digits = match value {
        it if it >= 10.0 => 1,
        it if it >= 1.0 => 2,
        it if it >= 0.1 => 3,
        0.0 => 0,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let all = [34_011.4, 123.4, 12.34, 1.234, 0.1234, 0.01234, 0.0].map(shown);
        assert_eq!(
            all,
            ["34,011", "123", "12.3", "1.23", "0.123", "0.0123", "0"]
        );
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("folder").join("scaling.json");
        let mut figures = Figures::default();
        figures.set("a", 1.5);
        figures.write(&path, "abc").unwrap();
        assert_eq!(
            Figures::read(&path).unwrap(),
            (figures.clone(), "abc".to_owned())
        );
        assert_eq!(figures.cells(["a".to_owned(), "b".to_owned()]), "1.50 · –");
    }
}
