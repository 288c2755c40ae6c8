//! Counters, in the text format of Prometheus, on a listener of their own.

use axum::{Router, http::header, routing::get};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use semel_backends::StatsView;
use semel_core::actions::Action;

/// Commands, by `action` and `result` (`ok`, `replayed`, or an error code).
pub const COMMANDS: &str = "semel_commands_total";
/// Time from a command's arrival to its answer, by `action`.
pub const COMMAND_SECONDS: &str = "semel_command_seconds";
/// Repeats that changed nothing, by `layer`: `idempotency_key`, `client_id`, `participants_key`.
pub const DUPLICATES_ABSORBED: &str = "semel_duplicates_absorbed_total";
/// Idempotency keys, by `event`: `stored`, `replayed`, `conflict`, `pruned`.
pub const IDEMPOTENCY: &str = "semel_idempotency_keys_total";
/// HTTP answers, by `route` and `status`.
pub const HTTP_REQUESTS: &str = "semel_http_requests_total";
/// Questions that the store did not answer.
pub const QUESTIONS_FAILED: &str = "semel_questions_failed_total";
/// Connected devices.
pub const CONNECTIONS: &str = "semel_connections";

/// Always 1; its labels `server_id` and `version` say who counts.
pub const INFO: &str = "semel_info";

/// Batches that the lane tried.
pub const LANE_BATCHES: &str = "semel_lane_batches_total";
/// Commands that the lane answered.
pub const LANE_COMMANDS: &str = "semel_lane_commands_total";
/// Commits of the lane: one fsync each.
pub const LANE_COMMITS: &str = "semel_lane_commits_total";
/// Microseconds that commands waited for the lane, together; by the number of commands it is the mean wait.
pub const LANE_WAIT: &str = "semel_lane_wait_microseconds_total";
/// 1 when the database takes commands, 0 when not.
pub const DATABASE_UP: &str = "semel_database_up";
/// Batches that the lane decided anew because other lanes or servers were faster.
pub const LANE_RERUNS: &str = "semel_lane_reruns_total";
/// Questions that the store answered: reading, catching up, looking for what other servers did.
pub const QUESTIONS: &str = "semel_questions_total";
/// Commands that failed in the lane, by `outcome`: `none` (no effect) or `unknown`.
pub const LANE_FAILURES: &str = "semel_lane_failures_total";
/// Bytes of the write-ahead log in use, as of the last checkpoint.
pub const WAL_BYTES: &str = "semel_wal_bytes";

/// Hints that were too many to keep.
pub const HINTS_DROPPED: &str = "semel_bus_hints_dropped_total";
/// Messages over the bus, or parts of them, that are none of ours, or not in a way that this server knows, by `what`.
pub const UNREADABLE: &str = "semel_bus_messages_unreadable_total";
/// What of them is not known: the whole, its format, a kind of hint.
pub const UNREADABLE_WHAT: [&str; 3] = ["message", "format", "kind"];
/// Devices that were cut off since they did not read.
pub const DEVICES_CUT: &str = "semel_slow_devices_cut_total";

/// Bounds of the latency histogram, in seconds.
const SECONDS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024,
    4.096,
];

/// Makes this process count. Once per process; the handle renders what was counted.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let matcher = Matcher::Full(COMMAND_SECONDS.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(matcher, SECONDS)?
        .install_recorder()?;
    describe();
    Ok(handle)
}

/// `GET /metrics`, for a listener of its own.
pub fn router(handle: PrometheusHandle) -> Router {
    let text = move || {
        let body = handle.render();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body) }
    };
    Router::new().route("/metrics", get(text))
}

/// Says which server counts here.
pub fn identify(server_id: &str) {
    gauge!(INFO, "server_id" => server_id.to_owned(), "version" => env!("CARGO_PKG_VERSION"))
        .set(1);
}

/// Shows what alerts watch before it happens for the first time: who compares two readings of a counter that was not there
/// before sees no growth.
pub fn begin_at_zero(routes: impl Iterator<Item = &'static str>) {
    for name in [QUESTIONS_FAILED, HINTS_DROPPED, DEVICES_CUT] {
        counter!(name).increment(0);
    }
    for what in UNREADABLE_WHAT {
        counter!(UNREADABLE, "what" => what).increment(0);
    }
    for route in routes {
        counter!(HTTP_REQUESTS, "route" => route, "status" => "500").increment(0);
    }
    for &action in Action::NAMES {
        for result in ["store_unavailable", "overloaded"] {
            counter!(COMMANDS, "action" => action, "result" => result).increment(0);
        }
    }
}

/// How many devices are connected now.
pub fn connections(count: usize) {
    gauge!(CONNECTIONS).set(u32::try_from(count).unwrap_or(u32::MAX));
}

/// Whether the database takes commands now.
pub fn database(is_up: bool) {
    gauge!(DATABASE_UP).set(u8::from(is_up));
}

/// What the lane has counted since it started.
pub fn lane(stats: &StatsView) {
    counter!(LANE_BATCHES).absolute(stats.batches);
    counter!(LANE_COMMANDS).absolute(stats.commands);
    counter!(LANE_COMMITS).absolute(stats.commits);
    counter!(LANE_WAIT).absolute(stats.waited_micros);
    counter!(LANE_RERUNS).absolute(stats.reruns);
    counter!(QUESTIONS).absolute(stats.questions);
    counter!(LANE_FAILURES, "outcome" => "none").absolute(stats.failures);
    counter!(LANE_FAILURES, "outcome" => "unknown").absolute(stats.unknown_outcomes);
    gauge!(WAL_BYTES).set(u32::try_from(stats.wal_bytes).unwrap_or(u32::MAX));
}

fn describe() {
    describe_counter!(COMMANDS, "Commands by action and result.");
    describe_histogram!(
        COMMAND_SECONDS,
        Unit::Seconds,
        "Time from arrival to durable answer."
    );
    describe_counter!(
        DUPLICATES_ABSORBED,
        "Repeats that changed nothing, by the guard."
    );
    describe_counter!(IDEMPOTENCY, "Idempotency keys by what happened to them.");
    describe_counter!(HTTP_REQUESTS, "HTTP answers by route and status.");
    describe_counter!(QUESTIONS_FAILED, "Questions that the store did not answer.");
    describe_gauge!(INFO, "Which server counts: see the labels.");
    describe_gauge!(CONNECTIONS, "Connected devices.");
    describe_counter!(LANE_BATCHES, "Batches that the lane tried.");
    describe_counter!(LANE_COMMANDS, "Commands that the lane answered.");
    describe_counter!(
        LANE_WAIT,
        Unit::Microseconds,
        "Time that commands waited for the lane, together."
    );
    describe_gauge!(DATABASE_UP, "Whether the database takes commands.");
    describe_counter!(LANE_COMMITS, "Commits of the lane: one fsync each.");
    describe_counter!(
        LANE_RERUNS,
        "Batches decided anew because others were faster."
    );
    describe_counter!(QUESTIONS, "Questions that the store answered.");
    describe_counter!(
        LANE_FAILURES,
        "Commands that failed in the lane, by what is known of their outcome."
    );
    describe_gauge!(
        WAL_BYTES,
        Unit::Bytes,
        "Write-ahead log in use, as of the last checkpoint."
    );
}
