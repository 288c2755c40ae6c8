//! The settings as they are, for people: valid TOML, each with where it came from.

use std::fmt;

use super::layers::{Source, Values};
use super::settings::{SETTINGS, Setting};

const HIDDEN: &str = "(hidden)";

/// A setting, its value and where that came from.
#[derive(Clone, Debug)]
pub struct SettingLine {
    /// The setting.
    pub setting: &'static Setting,
    /// Value, or `(hidden)`; none when not set.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
}

/// One line of TOML.
impl fmt::Display for SettingLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => {
                let value = literal(value);
                write!(f, "{} = {value}  # {}", self.setting.key, self.source)
            }
            None => write!(f, "# {} is not set", self.setting.key),
        }
    }
}

pub(super) fn lines(values: &Values) -> Vec<SettingLine> {
    SETTINGS
        .iter()
        .map(|setting| {
            let found = values.get(setting.key);
            let shown = |text: &String| {
                if setting.is_secret {
                    HIDDEN.to_owned()
                } else {
                    text.clone()
                }
            };
            let value = found.map(|(text, _)| shown(text));
            let source = found.map_or(Source::Default, |(_, source)| source.clone());
            SettingLine {
                setting,
                value,
                source,
            }
        })
        .collect()
}

fn literal(value: &str) -> toml::Value {
    if let Ok(number) = value.parse() {
        return toml::Value::Integer(number);
    }
    if let Ok(choice) = value.parse() {
        return toml::Value::Boolean(choice);
    }
    toml::Value::String(value.to_owned())
}
