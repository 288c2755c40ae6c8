//! Layers: defaults, then `semel.toml`, then the environment, then flags. The later one wins.

use std::{collections::BTreeMap, fmt, path::Path};

use super::settings::{SETTINGS, Setting, by_env, by_key};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The file with this name.
    File(String),
    /// The environment variable with this name.
    Environment(&'static str),
    /// The flag with this name.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) => write!(f, "file {name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Values as text, each with where it came from.
#[derive(Clone, Default)]
pub(super) struct Values(BTreeMap<&'static str, (String, Source)>);

/// Tells the names only: values may be secret.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Values {
    /// The value of a setting.
    pub(super) fn get(&self, key: &str) -> Option<&(String, Source)> {
        self.0.get(key)
    }

    fn put(&mut self, setting: &'static Setting, value: String, source: Source) {
        self.0.insert(setting.key, (value, source));
    }
}

/// The defaults.
pub(super) fn defaults() -> Values {
    let mut values = Values::default();
    for setting in SETTINGS {
        if let Some(value) = setting.default {
            values.put(setting, value.to_owned(), Source::Default);
        }
    }
    values
}

/// Reads the text of a settings file into `values`; what is wrong goes to `problems`.
pub(super) fn read_file(path: &Path, text: &str, values: &mut Values, problems: &mut Vec<String>) {
    let name = path.display().to_string();
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            // The message alone: the excerpt that toml adds could show a secret.
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].lines().count().max(1));
            problems.push(format!(
                "{name}, line {line}: not valid TOML: {}",
                error.message()
            ));
            return;
        }
    };
    for (key, value) in table {
        let Some(setting) = by_key(&key) else {
            let known = SETTINGS.iter().map(|setting| setting.key);
            problems.push(format!(
                "{name}: there is no setting `{key}`{}",
                suggestion(&key, known)
            ));
            continue;
        };
        match plain(&value) {
            Some(text) => {
                values.put(setting, text, Source::File(name.clone()));
            }
            None => problems.push(format!(
                "{name}: `{key}` takes a text, a number, true or false, or a list of texts"
            )),
        }
    }
}

/// Reads the environment into `values`. Variables that begin with `SEMEL_` and mean nothing are problems.
pub(super) fn read_environment(
    environment: impl IntoIterator<Item = (String, String)>,
    values: &mut Values,
    problems: &mut Vec<String>,
) {
    for (name, value) in environment {
        match by_env(&name) {
            // An empty variable is how compose files and shells leave something out.
            Some(_) if value.is_empty() => {}
            Some(setting) => {
                values.put(setting, value, Source::Environment(setting.env));
            }
            None if name.starts_with("SEMEL_") && name != super::FILE_VARIABLE => {
                let known = SETTINGS.iter().map(|setting| setting.env);
                problems.push(format!(
                    "environment: there is no setting {name}{}",
                    suggestion(&name, known)
                ));
            }
            None => {}
        }
    }
}

/// Puts flags over `values`.
pub(super) fn read_flags(flags: &[(&'static Setting, String)], values: &mut Values) {
    for (setting, value) in flags {
        let name = format!("--{}", setting.key.replace('_', "-"));
        values.put(setting, value.clone(), Source::Flag(name));
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(choice) => Some(choice.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

/// "; did you mean …?" when something known is near.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    const NEAR: f64 = 0.75;
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean `{candidate}`?")
        })
}
