//! The settings: what they are called, what they mean, and what they are when nobody says.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Name in `semel.toml`.
    pub key: &'static str,
    /// Name in the environment.
    pub env: &'static str,
    /// Value when nobody says; none: see `help`.
    pub default: Option<&'static str>,
    /// Whether the value is hidden wherever settings are shown.
    pub is_secret: bool,
    /// One line for people.
    pub help: &'static str,
}

const fn setting(
    key: &'static str,
    env: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        env,
        default,
        is_secret: false,
        help,
    }
}

/// Every setting, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data_dir",
        "SEMEL_DATA_DIR",
        Some("./data"),
        "Where the database, the signing secret and server.json are kept.",
    ),
    setting(
        "listen",
        "SEMEL_LISTEN",
        Some("127.0.0.1:8080"),
        "Address for people and programs; port 0 takes a free one.",
    ),
    setting(
        "metrics_listen",
        "SEMEL_METRICS_LISTEN",
        Some("auto"),
        "Address of /metrics, `off`, or `auto`: this machine only, the port of `listen` plus 1000, or a free one.",
    ),
    setting(
        "server_id",
        "SERVER_ID",
        Some("server-1"),
        "Name of this server in logs, health and metrics.",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "database_url",
            "DATABASE_URL",
            None,
            "sqlite:DIRECTORY/semel.db, or postgres://USER:PASSWORD@HOST/NAME. Left out: semel.db in the data directory.",
        )
    },
    Setting {
        is_secret: true,
        ..setting(
            "redis_url",
            "REDIS_URL",
            None,
            "For several servers on one database: redis://…, redis+cluster://…, redis+sentinel://…; with TLS rediss….",
        )
    },
    setting(
        "look_seconds",
        "SEMEL_LOOK_SECONDS",
        Some("2"),
        "How often one of several servers looks in the database for what Redis did not bring, 1 to 60.",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "jwt_secret_key",
            "JWT_SECRET_KEY",
            None,
            "Signs access tokens, 32 bytes or more. Left out: made at the first start and kept in the data directory.",
        )
    },
    setting(
        "allowed_origins",
        "SEMEL_ALLOWED_ORIGINS",
        Some(""),
        "Origins, separated by commas, whose pages may call this server (CORS). The own page always may.",
    ),
    setting(
        "polling",
        "SEMEL_POLLING",
        Some("true"),
        "Whether Socket.IO clients may begin with HTTP long polling; `false` leaves WebSocket only.",
    ),
    setting(
        "idempotency_hours",
        "SEMEL_IDEMPOTENCY_HOURS",
        Some("24"),
        "For how many hours the answer to an Idempotency-Key is kept, 1 to 8760.",
    ),
    setting(
        "drain_seconds",
        "SEMEL_DRAIN_SECONDS",
        Some("10"),
        "How long a stopping server waits for what is under way, 0 to 600.",
    ),
    setting(
        "log_format",
        "SEMEL_LOG_FORMAT",
        Some("text"),
        "`text` or `json`, one event a line, to stderr.",
    ),
    setting(
        "log_filter",
        "SEMEL_LOG_FILTER",
        Some("info"),
        "What is logged, as RUST_LOG: `warn`, or `info,semel_server::hub=debug`.",
    ),
];

/// The setting with a name in the file.
pub(super) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The setting with a name in the environment.
pub(super) fn by_env(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.env == name)
}
