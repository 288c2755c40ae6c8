use super::*;

fn load(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Config, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("semel.toml");
    std::fs::write(&path, file).unwrap();
    let sources = Sources {
        file: Some(path),
        environment: environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        flags: flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
    };
    Config::load(sources).map_err(|error| error.problems)
}

fn printed(config: &Config) -> String {
    let lines: Vec<_> = config
        .snapshot_with_sources()
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.join("\n")
}

fn problem(file: &str, environment: &[(&str, &str)]) -> String {
    load(file, environment, &[]).unwrap_err().join("\n")
}

#[test]
fn defaults_are_valid_and_serve_this_machine_only() {
    let config = load("", &[], &[]).unwrap();
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.database_dir, Path::new("./data"));
    assert_eq!(config.idempotency, Duration::from_hours(24));
    assert_eq!(Config::for_directory(Path::new("x")).listen.port(), 0);
}

#[test]
fn req_d10_flags_win_over_environment_over_file_over_defaults() {
    let file = "listen = \"127.0.0.1:1\"\nserver_id = \"from-file\"\nidempotency_hours = 3";
    let environment = [
        ("SEMEL_LISTEN", "127.0.0.1:2"),
        ("SERVER_ID", "from-environment"),
    ];
    let config = load(file, &environment, &[("listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.server_id, "from-environment");
    assert_eq!(config.idempotency, Duration::from_hours(3));
    assert!(config.polling);
}

#[test]
fn req_d10_the_documents_names_are_accepted() {
    let secret = "0123456789abcdef0123456789abcdef";
    let environment = [
        ("JWT_SECRET_KEY", secret),
        ("SERVER_ID", "server-7"),
        ("DATABASE_URL", "sqlite:///x/semel.db"),
    ];
    let config = load("", &environment, &[]).unwrap();
    assert_eq!(
        config.jwt_secret_key.as_ref().map(Secret::expose),
        Some(secret)
    );
    assert_eq!(config.server_id, "server-7");
    assert_eq!(config.database_dir, Path::new("/x"));
}

#[test]
fn unknown_keys_are_errors_with_a_suggestion() {
    assert!(problem("lisen = \"127.0.0.1:1\"", &[]).contains("did you mean `listen`?"));
    let text = problem("", &[("SEMEL_LISTN", "127.0.0.1:1")]);
    assert!(
        text.contains("SEMEL_LISTN; did you mean `SEMEL_LISTEN`?"),
        "{text}"
    );
    assert!(!problem("colour = 1", &[]).contains("did you mean"));
    assert!(load("", &[("PATH", "/bin"), ("SEMELE", "x")], &[]).is_ok());
}

#[test]
fn every_wrong_value_is_told_at_once_with_its_source() {
    let file = "listen = \"here\"\npolling = \"maybe\"\nlog_format = \"xml\"\nserver_id = \"\"";
    let environment = [
        ("SEMEL_IDEMPOTENCY_HOURS", "0"),
        ("SEMEL_DRAIN_SECONDS", "-1"),
    ];
    let problems = load(file, &environment, &[("metrics_listen", "no")]).unwrap_err();
    assert_eq!(problems.len(), 7, "{problems:#?}");
    let all = problems.join("\n");
    for part in [
        "HOST:PORT",
        "`true` nor `false`",
        "`text` nor `json`",
        "1 to 8760",
        "--metrics-listen",
    ] {
        assert!(all.contains(part), "{part} is not in {all}");
    }
}

#[test]
fn other_databases_are_refused_without_repeating_their_passwords() {
    let text = problem("", &[("DATABASE_URL", "mysql://u:hunter2@db/x")]);
    assert!(text.contains("not supported by this version"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        problem("", &[("DATABASE_URL", "sqlite::memory:")]).contains("sqlite:DIRECTORY/semel.db")
    );
}

#[test]
fn a_database_server_is_found_by_its_url_which_is_never_shown() {
    assert!(load("", &[], &[]).unwrap().postgres.is_none());
    for url in [
        "postgres://u:hunter2@db/x",
        "postgresql://u:hunter2@one:5433,two/x?sslmode=verify-full",
    ] {
        let config = load("", &[("DATABASE_URL", url)], &[]).unwrap();
        assert!(config.postgres.is_some());
        assert!(!printed(&config).contains("hunter2"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }
    let text = problem(
        "",
        &[("DATABASE_URL", "postgres://u:hunter2@db/x?colour=red")],
    );
    assert!(text.contains("address is not valid"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn redis_is_found_by_its_url_which_is_never_shown() {
    assert!(load("", &[], &[]).unwrap().redis.is_none());
    let url = "redis+cluster://:hunter2@one:7000,two:7000";
    let config = load("", &[("REDIS_URL", url)], &[]).unwrap();
    assert!(!printed(&config).contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    let text = problem("", &[("REDIS_URL", "http://:hunter2@one")]);
    assert!(text.contains("redis+sentinel://HOST:PORT"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn secrets_are_never_shown() {
    let secret = "swordfish-swordfish-swordfish-swordfish";
    let config = load("", &[("JWT_SECRET_KEY", secret)], &[]).unwrap();
    let printed = printed(&config);
    assert!(
        printed.contains("jwt_secret_key = \"(hidden)\"  # environment JWT_SECRET_KEY"),
        "{printed}"
    );
    assert!(!printed.contains("swordfish"));
    assert!(!format!("{:?}", config.jwt_secret_key).contains("swordfish"));
    assert!(!problem("", &[("JWT_SECRET_KEY", "short-swordfish")]).contains("swordfish"));
    assert!(!problem("jwt_secret_key = \"swordfish", &[]).contains("swordfish"));
}

#[test]
fn debug_shows_no_secret_that_came_as_text() {
    let secret = "swordfish-swordfish-swordfish-swordfish";
    let config = load("", &[("JWT_SECRET_KEY", secret)], &[]).unwrap();
    assert!(!format!("{config:?}").contains("swordfish"));
}

#[test]
fn the_snapshot_is_toml_that_reads_back() {
    let config = load(
        "allowed_origins = [\"https://a.example\"]",
        &[],
        &[("listen", "127.0.0.1:5")],
    )
    .unwrap();
    let printed = printed(&config);
    let again = load(&printed, &[], &[]).unwrap();
    assert_eq!(again.listen, config.listen);
    assert_eq!(again.allowed_origins, ["https://a.example"]);
    assert_eq!(again.drain, config.drain);
}

#[test]
fn origins_are_named_one_by_one_or_all_at_once() {
    let origins = |text| {
        let config = load("", &[], &[("allowed_origins", text)]);
        config.map(|config| config.allowed_origins)
    };
    assert_eq!(origins("").unwrap(), Vec::<String>::new());
    assert_eq!(origins(" * ").unwrap(), ["*"]);
    let two = origins("https://A.example, http://b.example:81").unwrap();
    assert_eq!(two, ["https://a.example", "http://b.example:81"]);
    for bad in [
        "a.example",
        "https://*.example",
        "https://a.example/",
        "*, https://a.example",
    ] {
        assert!(origins(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_named_file_must_be_there() {
    let sources = Sources {
        file: Some("does-not-exist.toml".into()),
        ..Sources::default()
    };
    let problems = Config::load(sources).unwrap_err().problems;
    assert!(
        problems[0].contains("cannot read the settings file does-not-exist.toml"),
        "{problems:?}"
    );
}

#[test]
fn codes_and_the_password_do_not_go_unencrypted_to_another_machine() {
    let settings = |url: &str| {
        format!(
            "email_sender = \"smtp\"\nemail_from = \"Chat <chat@example.org>\"\nsmtp_url = \"{url}\"\n"
        )
    };
    for good in [
        "smtps://a:secret@mail.example:465",
        "smtp://a:secret@mail.example:587?tls=required",
        "smtp://a:secret@127.0.0.1:2525",
        "smtp://a:secret@localhost:2525",
        "smtp://a:secret@[::1]:2525",
    ] {
        assert!(load(&settings(good), &[], &[]).is_ok(), "{good}");
    }
    for bad in [
        "smtp://a:secret@mail.example:587",
        "smtp://a:secret@mail.example:587?tls=opportunistic",
        "smtp://a:secret@127.0.0.1.example:25",
    ] {
        let problem = problem(&settings(bad), &[]);
        assert!(problem.contains("tls=required"), "{problem}");
        assert!(!problem.contains("secret"), "{problem}");
    }
}
