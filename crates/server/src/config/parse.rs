//! From texts to checked settings.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use semel_backends::postgres::Address;

use super::{ANY_ORIGIN, Config, LogFormat, MetricsListen, Secret, layers::Values, sign_in_parse};
use crate::{
    bus::redis::Target,
    limits::{Rate, Rates},
    realtime::Admission,
};

/// Bytes that a signing secret has at least (RFC 7518, section 3.2).
const SECRET_BYTES_MIN: usize = 32;
/// The database, in its directory.
const DATABASE_NAME: &str = "semel.db";
/// Ten years.
const HSTS_DAYS_MAX: u64 = 3_650;
/// Strangers of one person in a day.
const STRANGERS_MAX: u64 = 1_000_000_000;
/// Characters of a server's name.
const SERVER_ID_CHARACTERS_MAX: usize = 64;

/// Checks every value; none if one is not valid. Problems are collected, so that they are all told at once.
pub(super) fn config(values: Values, problems: &mut Vec<String>) -> Option<Config> {
    let mut reader = Reader {
        values: &values,
        problems,
    };
    let data_dir = reader.read("data_dir", directory);
    let database = reader.read_optional("database_url", database);
    let redis = reader.read_optional("redis_url", Target::parse);
    let look = reader.read("look_seconds", |text| whole(text, 1, 60));
    let lanes = reader.read("database_lanes", |text| whole(text, 1, 32));
    let listen = reader.read("listen", address);
    let metrics_listen = reader.read("metrics_listen", metrics_listen);
    let server_id = reader.read("server_id", server_id);
    let jwt_secret_key = reader.read_optional("jwt_secret_key", secret);
    let allowed_origins = reader.read("allowed_origins", origins);
    let hsts_days = reader.read("hsts_days", |text| whole(text, 0, HSTS_DAYS_MAX));
    let sign_in = sign_in_parse::sign_in(&mut reader, listen);
    let host = sign_in_parse::host(&mut reader);
    let polling = reader.read("polling", choice);
    let outside_pictures = reader.read("outside_pictures", choice);
    let trusted_proxies = reader.read("trusted_proxies", networks);
    let admission = admission(&mut reader);
    let rates = rates(&mut reader);
    let strangers = reader.read("strangers_per_day", |text| whole(text, 0, STRANGERS_MAX));
    let idempotency = reader.read("idempotency_hours", |text| whole(text, 1, 8760));
    let start = reader.read("start_seconds", |text| whole(text, 0, 600));
    let drain_notice = reader.read("drain_notice_seconds", |text| whole(text, 0, 600));
    let drain = reader.read("drain_seconds", |text| whole(text, 0, 600));
    let log_format = reader.read("log_format", log_format);
    let log_filter = reader.read("log_filter", log_filter);
    let data_dir = data_dir?;
    let (database_dir, postgres) = match database.ok()? {
        None => (data_dir.clone(), None),
        Some(Database::Sqlite(directory)) => (directory, None),
        Some(Database::Postgres(address)) => (data_dir.clone(), Some(*address)),
    };
    Some(Config {
        database_dir,
        postgres,
        data_dir,
        redis: redis.ok()?,
        look: Duration::from_secs(look?),
        lanes: lanes? as usize,
        listen: listen?,
        metrics_listen: metrics_listen?,
        server_id: server_id?,
        jwt_secret_key: jwt_secret_key.ok()?,
        allowed_origins: allowed_origins?,
        hsts_days: hsts_days? as u32,
        sign_in: sign_in?,
        host: host?,
        polling: polling?,
        outside_pictures: outside_pictures?,
        trusted_proxies: trusted_proxies?,
        admission: admission?,
        rates: rates?,
        strangers_day_max: strangers.map(|max| if max == 0 { u64::MAX } else { max })?,
        idempotency: Duration::from_secs(idempotency? * 60 * 60),
        start: Duration::from_secs(start?),
        drain_notice: Duration::from_secs(drain_notice?),
        drain: Duration::from_secs(drain?),
        log_format: log_format?,
        log_filter: log_filter?,
        values,
    })
}

/// How many are let in at a time.
fn admission(reader: &mut Reader<'_>) -> Option<Admission> {
    let mut count = |key| reader.read(key, |text| whole(text, 1, 1_000_000));
    let (connecting, of_one) = (count("connecting_max"), count("connecting_per_address_max"));
    let (entering, syncing) = (count("entering_max"), count("syncing_max"));
    Some(Admission {
        connecting_max: connecting? as usize,
        connecting_per_address_max: of_one? as usize,
        entering_max: entering? as usize,
        syncing_max: syncing? as usize,
    })
}

/// How often somebody may do something.
fn rates(reader: &mut Reader<'_>) -> Option<Rates> {
    let of_person = reader.read("actions_per_second", rate);
    let reads = reader.read("reads_per_second", rate);
    let of_device = reader.read("device_per_second", rate);
    let reaching = reader.read("reaching_per_second", rate);
    let heavy = reader.read("heavy_per_second", rate);
    let connects = reader.read("connects_per_second", rate);
    let handshakes = reader.read("handshakes_per_second", rate);
    Some(Rates {
        of_person: of_person?,
        reads: reads?,
        of_device: of_device?,
        reaching: reaching?,
        heavy: heavy?,
        connects: connects?,
        handshakes: handshakes?,
    })
}

/// The problem was told.
pub(super) struct Invalid;

pub(super) struct Reader<'a> {
    values: &'a Values,
    pub(super) problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.read_optional(key, parse).ok()?
    }

    /// None when it is not set.
    pub(super) fn read_optional<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Invalid> {
        let Some((text, source)) = self.values.get(key) else {
            return Ok(None);
        };
        match parse(text) {
            Ok(value) => Ok(Some(value)),
            Err(problem) => {
                self.problems.push(format!("`{key}` ({source}): {problem}"));
                Err(Invalid)
            }
        }
    }
}

fn directory(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("name a directory, for example ./data".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// Where a database is.
enum Database {
    /// In a directory.
    Sqlite(PathBuf),
    /// On a server.
    Postgres(Box<Address>),
}

/// Databases are told apart by their URL; the URL itself is never repeated, it may hold a password.
fn database(text: &str) -> Result<Database, String> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
        return match text.parse() {
            Ok(address) => Ok(Database::Postgres(Box::new(address))),
            Err(error) => Err(semel_backends::Error::chain(&error)),
        };
    }
    database_dir(text, &lower).map(Database::Sqlite)
}

fn database_dir(text: &str, lower: &str) -> Result<PathBuf, String> {
    let Some(path) = lower
        .starts_with("sqlite:")
        .then(|| &text["sqlite:".len()..])
    else {
        return Err(
            "this kind of database is not supported by this version; say \
                    sqlite:DIRECTORY/semel.db, or leave it out"
                .to_owned(),
        );
    };
    let path = Path::new(path.strip_prefix("//").unwrap_or(path));
    if path.file_name().is_some_and(|name| name == DATABASE_NAME) {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        return Ok(parent.unwrap_or(Path::new(".")).to_owned());
    }
    Err(format!(
        "the file is always called {DATABASE_NAME}; say sqlite:DIRECTORY/{DATABASE_NAME}"
    ))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let advice =
        || format!("`{text}` is no address; say HOST:PORT, for example 127.0.0.1:8080 or [::1]:0");
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(advice)
}

fn metrics_listen(text: &str) -> Result<MetricsListen, String> {
    match text {
        "off" => Ok(MetricsListen::Off),
        "auto" => Ok(MetricsListen::Auto),
        _ => address(text)
            .map(MetricsListen::At)
            .map_err(|problem| format!("{problem}; or `off`, or `auto`")),
    }
}

fn server_id(text: &str) -> Result<String, String> {
    let is_valid = (1..=SERVER_ID_CHARACTERS_MAX).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    if is_valid {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a server's name has 1 to {SERVER_ID_CHARACTERS_MAX} letters, digits and - _ . :"
    ))
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_BYTES_MIN {
        return Err(format!(
            "a signing secret has at least {SECRET_BYTES_MIN} bytes, this one has {}; make one \
             with `openssl rand -hex 32`",
            text.len()
        ));
    }
    Ok(Secret::new(text))
}

fn origins(text: &str) -> Result<Vec<String>, String> {
    if text.trim() == ANY_ORIGIN {
        return Ok(vec![ANY_ORIGIN.to_owned()]);
    }
    let named = text
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty());
    named.map(origin).collect()
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host)
            if !host.is_empty()
                && host
                    .chars()
                    .all(|c| c.is_ascii_graphic() && !"/?#@*".contains(c)) =>
        {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(format!(
            "`{text}` is no origin; say for example https://app.example.org"
        )),
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let named = text.split(',').map(str::trim);
    let named = named.filter(|network| !network.is_empty());
    let network = |text: &str| {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| one()).map_err(|_| {
            format!("`{text}` is no network; say for example 10.0.0.0/8, or one address")
        })
    };
    named.map(network).collect()
}

/// How much more may come at once than in a second.
const AT_ONCE: u32 = 10;

fn rate(text: &str) -> Result<Rate, String> {
    let per_second = whole(text, 0, 1_000_000)? as u32;
    Ok(Rate {
        per_second,
        at_once: per_second * AT_ONCE,
    })
}

fn choice(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is neither `true` nor `false`"))
}

pub(super) fn whole(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("`{text}` is no whole number from {least} to {most}"))
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is neither `text` nor `json`")),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    match text.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "`{text}` is no log filter ({error}); say for example info"
        )),
    }
}
