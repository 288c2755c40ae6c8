//! What `deploy/` and docs/OPERATING.md say about the program is so.

use std::{collections::BTreeSet, fs, process::Command};

use semel_server::config::{Config, FILE_VARIABLE, SETTINGS, Sources};

use super::{files, root};

fn text(path: &str) -> String {
    let found = fs::read_to_string(root().join(path));
    found.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn deploy() -> Vec<(String, String)> {
    let mut found = files();
    found.retain(|(path, _)| path.starts_with("deploy/") && !path.starts_with("deploy/secrets/"));
    assert!(found.len() > 10, "the files of deploy/ are found");
    found
}

/// Words of letters that `is_part` takes, which begin with `prefix`.
fn words<'a>(text: &'a str, prefix: &str, is_part: fn(char) -> bool) -> BTreeSet<&'a str> {
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with(prefix) && word.len() > prefix.len())
        .collect()
}

fn is_of_variable(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

fn is_of_metric(c: char) -> bool {
    c.is_ascii_lowercase() || c == '_'
}

/// A crate, cookies and the beginning of a token are called alike.
const NAMES_OF_OTHERS: &[&str] = &[
    "semel_server",
    "semel_provider",
    "semel_refresh",
    "semel_rt_",
];

/// Every metric, by its name in the code of the server.
fn metrics() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in files() {
        if path.starts_with("crates/server/src/") {
            let literals = text.split('"').skip(1).step_by(2);
            let names =
                literals.filter(|it| it.starts_with("semel_") && it.chars().all(is_of_metric));
            found.extend(
                names
                    .filter(|it| !NAMES_OF_OTHERS.contains(it))
                    .map(str::to_owned),
            );
        }
    }
    assert!(found.contains("semel_commands_total"), "metrics are found");
    found
}

fn exists(metrics: &BTreeSet<String>, name: &str) -> bool {
    let bare = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending));
    metrics.contains(name) || bare.is_some_and(|bare| metrics.contains(bare))
}

#[test]
fn alerts_and_dashboard_name_metrics_that_exist() {
    let metrics = metrics();
    for path in ["deploy/alerts.yml", "deploy/grafana/semel.json"] {
        let text = text(path);
        let named = words(&text, "semel_", is_of_metric);
        assert!(named.len() > 5, "{path} names metrics");
        for name in named {
            assert!(
                exists(&metrics, name),
                "{path} names {name}, which nobody counts"
            );
        }
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&text("deploy/grafana/semel.json")).unwrap();
    assert!(
        dashboard["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() > 5)
    );
}

#[test]
fn operating_explains_every_metric_and_every_alert() {
    let page = text("docs/OPERATING.md");
    let metrics = metrics();
    for name in &metrics {
        assert!(
            page.contains(&format!("`{name}")),
            "OPERATING.md lacks {name}"
        );
    }
    for name in words(&page, "semel_", is_of_metric) {
        let is_code = name == "semel_server" || name.starts_with("semel_server_");
        assert!(is_code || exists(&metrics, name), "OPERATING.md has {name}");
    }
    let alerts = text("deploy/alerts.yml");
    let mut count = 0;
    for name in alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        count += 1;
        assert!(
            page.contains(&format!("| `{name}` |")),
            "OPERATING.md lacks {name}"
        );
    }
    assert!(count > 5, "alerts are found");
}

#[test]
fn operating_has_every_setting_as_it_is() {
    let page = text("docs/OPERATING.md");
    for setting in SETTINGS {
        let default = setting.default.filter(|it| !it.is_empty());
        let default = default.map_or_else(|| " ".to_owned(), |it| format!(" `{it}` "));
        let line = format!("| `{}` | `{}` |{default}|", setting.key, setting.env);
        assert!(page.contains(&line), "OPERATING.md lacks the line `{line}`");
    }
}

#[test]
fn variables_of_deploy_are_settings() {
    let mut known: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.env).collect();
    known.insert(FILE_VARIABLE);
    let mut pages = deploy();
    pages.push(("docs/OPERATING.md".to_owned(), text("docs/OPERATING.md")));
    let mut seen = 0;
    for (path, text) in &pages {
        for name in words(text, "SEMEL_", is_of_variable) {
            seen += 1;
            assert!(
                known.contains(name),
                "{path} names {name}, which is no setting"
            );
        }
    }
    assert!(seen > 5, "variables are found");
}

#[test]
fn variables_of_the_proxy_are_explained_and_used() {
    let proxy = text("deploy/haproxy.cfg");
    let (head, rest) = proxy.split_once("\nglobal\n").unwrap();
    let explained = words(head, "PROXY_", is_of_variable);
    let used = words(rest, "PROXY_", is_of_variable);
    assert!(
        !used.is_empty() && explained == used,
        "{explained:?} and {used:?}"
    );
    for (path, text) in deploy() {
        for name in words(&text, "PROXY_", is_of_variable) {
            assert!(
                used.contains(name),
                "{path} sets {name}, which the proxy does not know"
            );
        }
    }
}

#[test]
fn versions_and_ports_of_deploy_agree() {
    let version = env!("CARGO_PKG_VERSION");
    let docker = text("deploy/Dockerfile");
    assert!(docker.contains(&format!("image.version=\"{version}\"")));
    for path in [
        "deploy/compose.yaml",
        "deploy/compose.scaled.yaml",
        "deploy/Dockerfile",
    ] {
        let text = text(path);
        for image in text
            .split("semel:")
            .skip(1)
            .filter(|it| it.starts_with("0."))
        {
            let found = image.split_whitespace().next().unwrap();
            assert_eq!(found, version, "{path}");
        }
    }
    for port in [
        "SEMEL_LISTEN=0.0.0.0:8080",
        "SEMEL_METRICS_LISTEN=0.0.0.0:9080",
        "EXPOSE 8080 9080",
    ] {
        assert!(docker.contains(port), "{port}");
    }
    assert!(text("deploy/compose.scaled.yaml").contains("PROXY_SERVER_3: semel-3:8080"));
    assert!(text("deploy/prometheus.yml").contains("\"semel-3:9080\""));
}

/// A stop gives notice, drains, and closes the store: it is killed when that takes twice as long.
#[test]
fn who_stops_a_server_waits_longer_than_it_drains() {
    let drain = SETTINGS
        .iter()
        .find(|setting| setting.key == "drain_seconds");
    let drain: u64 = drain.and_then(|it| it.default).unwrap().parse().unwrap();
    let patience = [
        ("deploy/compose.yaml", "stop_grace_period: "),
        ("deploy/compose.scaled.yaml", "stop_grace_period: "),
        ("deploy/semel.service", "TimeoutStopSec="),
    ];
    for (path, prefix) in patience {
        let text = text(path);
        let mut found = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(prefix))
            .peekable();
        assert!(
            found.peek().is_some(),
            "{path} says how long a stop may take"
        );
        for seconds in found {
            let seconds: u64 = seconds.trim_end_matches('s').parse().unwrap();
            assert!(seconds > 2 * drain, "{path}: {seconds} s");
        }
    }
}

/// The proxy does not give up before the server answers, and others are told to set theirs so.
#[test]
fn the_proxy_waits_as_long_as_operating_says() {
    let proxy = text("deploy/haproxy.cfg");
    let seconds = |name: &str| -> u64 {
        let lines = proxy.lines().map(str::trim);
        let mut found = lines.filter_map(|line| line.strip_prefix(&format!("timeout {name} ")));
        let value = found.next().unwrap();
        assert_eq!(found.next(), None, "one timeout {name}");
        value.trim_end_matches('s').parse().unwrap()
    };
    let page = text("docs/OPERATING.md");
    let said = format!("requests take {} s", seconds("server"));
    assert!(page.contains(&said), "OPERATING.md lacks `{said}`");
    // A lock is waited for 8 s, a commit asked for 18 s: one behind another has to fit.
    assert!(seconds("server") > 2 * (8 + 18));
    assert!(seconds("client") >= seconds("server"));
}

#[test]
fn settings_files_of_deploy_are_valid() {
    let directory = tempfile::tempdir().unwrap();
    let made = Command::new("sh")
        .arg(root().join("deploy/make-secrets"))
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let secrets = directory.path().join("semel.toml");
    let before = fs::read_to_string(&secrets).unwrap();
    for file in [secrets.clone(), root().join("deploy/semel.toml")] {
        let sources = Sources {
            file: Some(file),
            ..Sources::default()
        };
        Config::load(sources).unwrap();
    }
    let again = Command::new("sh")
        .arg(root().join("deploy/make-secrets"))
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(again.success());
    assert_eq!(
        fs::read_to_string(&secrets).unwrap(),
        before,
        "secrets that are there are kept"
    );
}

/// The first column of the table under "When something is wrong" is what the program says; `…` stands for what differs.
#[test]
fn operating_quotes_what_the_program_says() {
    let page = text("docs/OPERATING.md");
    let (_, rest) = page.split_once("## When something is wrong").unwrap();
    let table = rest.split("\n## ").next().unwrap();
    let quoted: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(quoted.len() > 5, "texts are found");
    let mut sources = String::new();
    for (path, text) in files() {
        if path.starts_with("crates/") && path.contains("/src/") {
            // Long texts are broken in the code.
            sources += &text.replace("\\\n", "");
        }
    }
    let sources: String = sources.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in quoted {
        for piece in text
            .split('…')
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
        {
            assert!(sources.contains(piece), "nobody says `{piece}`");
        }
    }
}
