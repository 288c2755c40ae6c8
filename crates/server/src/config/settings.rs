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
        "Name of this server in metrics, in server.json and in the line of its log that says where it serves.",
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
    setting(
        "database_lanes",
        "SEMEL_DATABASE_LANES",
        Some("4"),
        "Transactions that a server commits to PostgreSQL side by side, 1 to 32; each has a connection.",
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
        "Origins, separated by commas, whose pages may call this server and connect to it; `*` for all. Its own always may.",
    ),
    setting(
        "hsts_days",
        "SEMEL_HSTS_DAYS",
        Some("365"),
        "With an https `public_url`: for how many days browsers come over TLS only, 0 to 3650; 0 does not tell them.",
    ),
    setting(
        "public_url",
        "SEMEL_PUBLIC_URL",
        None,
        "Where browsers find this server, for example https://chat.example.org. Needed for providers, and behind TLS.",
    ),
    setting(
        "phone_sender",
        "SEMEL_PHONE_SENDER",
        Some("off"),
        "How codes get to phones: `off`, `sms` (a service with the form of Twilio's), `webhook`, or `terminal` (this machine only).",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "phone_url",
            "SEMEL_PHONE_URL",
            None,
            "Where `sms` or `webhook` posts, for example https://api.twilio.com/2010-04-01/Accounts/SID/Messages.json.",
        )
    },
    setting(
        "phone_user",
        "SEMEL_PHONE_USER",
        None,
        "For `sms`: the name for HTTP Basic, for example the account's SID.",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "phone_secret",
            "SEMEL_PHONE_SECRET",
            None,
            "For `sms`: the password. For `webhook`: signs what is posted, 32 bytes or more.",
        )
    },
    setting(
        "phone_from",
        "SEMEL_PHONE_FROM",
        None,
        "For `sms`: the number or name that messages are from.",
    ),
    setting(
        "phone_country",
        "SEMEL_PHONE_COUNTRY",
        None,
        "How a number without + is read, for example DE. Left out: it must have one.",
    ),
    setting(
        "phone_countries",
        "SEMEL_PHONE_COUNTRIES",
        Some(""),
        "Countries to which codes are sent, for example DE,AT,CH. Empty: all. Name yours: dear numbers elsewhere are a business.",
    ),
    setting(
        "phone_daily_max",
        "SEMEL_PHONE_DAILY_MAX",
        Some("1000"),
        "Codes to phones in a day, 1 to 10000000.",
    ),
    setting(
        "email_sender",
        "SEMEL_EMAIL_SENDER",
        Some("off"),
        "How codes get to addresses: `off`, `smtp`, or `terminal` (this machine only).",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "smtp_url",
            "SEMEL_SMTP_URL",
            None,
            "smtps://USER:PASSWORD@HOST:465, or smtp://USER:PASSWORD@HOST:587?tls=required.",
        )
    },
    setting(
        "email_from",
        "SEMEL_EMAIL_FROM",
        None,
        "Whom mail is from, for example Chat <chat@example.org>.",
    ),
    setting(
        "email_daily_max",
        "SEMEL_EMAIL_DAILY_MAX",
        Some("10000"),
        "Codes by e-mail in a day, 1 to 10000000.",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "oidc_providers",
            "SEMEL_OIDC_PROVIDERS",
            None,
            "Providers, separated by commas, each `NAME ISSUER CLIENT_ID CLIENT_SECRET`: google https://accounts.google.com …",
        )
    },
    setting(
        "host_issuer",
        "SEMEL_HOST_ISSUER",
        None,
        "What `iss` of a host application's tokens must be. Left out: anything.",
    ),
    setting(
        "host_audience",
        "SEMEL_HOST_AUDIENCE",
        None,
        "What `aud` of a host application's tokens must be or have. Left out: anything.",
    ),
    setting(
        "host_jwks_url",
        "SEMEL_HOST_JWKS_URL",
        None,
        "Where a host application publishes the keys of its tokens. Left out: they share jwt_secret_key.",
    ),
    setting(
        "host_verified",
        "SEMEL_HOST_VERIFIED",
        Some("nobody"),
        "Who of a host application's people counts as verified: `nobody`, `everybody`, or `as_told` by its tokens.",
    ),
    setting(
        "polling",
        "SEMEL_POLLING",
        Some("true"),
        "Whether Socket.IO clients may begin with HTTP long polling; `false` leaves WebSocket only.",
    ),
    setting(
        "outside_pictures",
        "SEMEL_OUTSIDE_PICTURES",
        Some("false"),
        "Whether operators may give people pictures at https addresses elsewhere, which learn of everybody who sees them.",
    ),
    setting(
        "trusted_proxies",
        "SEMEL_TRUSTED_PROXIES",
        Some(""),
        "Networks of proxies, separated by commas (10.0.0.0/8), whose X-Forwarded-For or Forwarded is believed.",
    ),
    setting(
        "connecting_max",
        "SEMEL_CONNECTING_MAX",
        Some("10000"),
        "Connections at a time whose device is not known yet, 1 to 1000000.",
    ),
    setting(
        "connecting_per_address_max",
        "SEMEL_CONNECTING_PER_ADDRESS_MAX",
        Some("2500"),
        "The same, of one address, 1 to 1000000.",
    ),
    setting(
        "entering_max",
        "SEMEL_ENTERING_MAX",
        Some("1000"),
        "Devices whose token is being looked at, at a time, 1 to 1000000.",
    ),
    setting(
        "syncing_max",
        "SEMEL_SYNCING_MAX",
        Some("2000"),
        "Devices whose sync is being answered or waits for that, 1 to 1000000.",
    ),
    setting(
        "actions_per_second",
        "SEMEL_ACTIONS_PER_SECOND",
        Some("1000"),
        "What one person may change or notify per second over all servers, ten times as much at once; 0 for no limit.",
    ),
    setting(
        "reads_per_second",
        "SEMEL_READS_PER_SECOND",
        Some("1000"),
        "What one person, or one address without a token, may ask per second over all servers, ten times as much at once; 0 for no limit.",
    ),
    setting(
        "device_per_second",
        "SEMEL_DEVICE_PER_SECOND",
        Some("500"),
        "The same of one device that is signed in here, changes, notices and questions each, ten times as much at once; 0 for no limit.",
    ),
    setting(
        "reaching_per_second",
        "SEMEL_REACHING_PER_SECOND",
        Some("200"),
        "Of that, what reaches people or groups that are new to somebody, ten times as much at once; 0 for no limit.",
    ),
    setting(
        "heavy_per_second",
        "SEMEL_HEAVY_PER_SECOND",
        Some("20"),
        "Of that, uploads and exports of one person, ten times as much at once; 0 for no limit.",
    ),
    setting(
        "connects_per_second",
        "SEMEL_CONNECTS_PER_SECOND",
        Some("100"),
        "Connections of one person per second over all servers, ten times as many at once; 0 for no limit.",
    ),
    setting(
        "handshakes_per_second",
        "SEMEL_HANDSHAKES_PER_SECOND",
        Some("1000"),
        "Connections that one address begins per second over all servers, ten times as many at once; 0 for no limit.",
    ),
    setting(
        "strangers_per_day",
        "SEMEL_STRANGERS_PER_DAY",
        Some("10000"),
        "People with whom they share no thread after whom one person asks in a day, or whom they write to, add, block or report; 0 for no limit.",
    ),
    setting(
        "idempotency_hours",
        "SEMEL_IDEMPOTENCY_HOURS",
        Some("24"),
        "For how many hours the answer to an Idempotency-Key is kept, 1 to 8760.",
    ),
    setting(
        "start_seconds",
        "SEMEL_START_SECONDS",
        Some("30"),
        "How long a starting server tries to reach a database server that is not there, 0 to 600.",
    ),
    setting(
        "drain_notice_seconds",
        "SEMEL_DRAIN_NOTICE_SECONDS",
        Some("0"),
        "How long a stopping server serves on after /health/ready says 503, so that balancers notice, 0 to 600.",
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
