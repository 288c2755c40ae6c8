//! Servers as the program puts them together, and a database server that comes and goes.

use std::{ops::Deref, time::Duration};

use semel_protocol::{Timestamp, UserId};
use semel_server::{
    auth::{Caller, Scope},
    bus::redis::Target,
    config::{Config, MetricsListen, Secret},
    serve::{self, Running, ServeError},
};
use semel_services::{Postgres, or_skip};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::Device;

/// What servers of one database share.
const SECRET: &str = "a secret of these tests, long enough";

/// A server in a directory of its own.
pub(crate) struct Server {
    pub(crate) running: Running,
    _directory: TempDir,
}

impl Server {
    pub(crate) async fn start(database: &str, redis: Option<&str>) -> Self {
        Self::start_with(database, redis, |_| {}).await.unwrap()
    }

    pub(crate) async fn start_with(
        database: &str,
        redis: Option<&str>,
        set: impl FnOnce(&mut Config),
    ) -> Result<Self, ServeError> {
        let directory = TempDir::new().unwrap();
        let mut config = Config::for_directory(directory.path());
        config.postgres = Some(database.parse().unwrap());
        config.redis = redis.map(|url| Target::parse(url).unwrap());
        config.metrics_listen = MetricsListen::Off;
        config.jwt_secret_key = Some(Secret::new(SECRET));
        set(&mut config);
        Ok(Self {
            running: serve::start(config).await?,
            _directory: directory,
        })
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }

    pub(crate) fn token(&self, who: &str) -> String {
        let app = self.running.app();
        app.tokens.sign(&Caller {
            user_id: UserId::parse(who).unwrap(),
            name: None,
            scope: Scope::Person,
            expires_at: Timestamp(app.clock.now().0 + 3_600_000),
            session_id: None,
            is_verified: false,
        })
    }

    pub(crate) async fn device(&self, who: &str) -> Device {
        let auth = json!({"token": self.token(who)});
        Device::connect(self.running.address, &auth).await.unwrap()
    }

    /// An answer without a token: its status and its body.
    pub(crate) async fn probe(&self, path: &str) -> (u16, Value) {
        let answer = reqwest::get(format!("{}{path}", self.running.url()));
        let answer = answer.await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// Waits until `/health/ready` answers with a status, and with a member of its body. The body.
    pub(crate) async fn becomes(&self, status: u16, word: &str) -> Value {
        let wait = async {
            loop {
                let (found, body) = self.probe("/health/ready").await;
                if found == status && body["status"] == word {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
        waited.unwrap_or_else(|_| panic!("not in time: {status} {word}"))
    }

    /// A call over HTTP; the answer's `data`.
    pub(crate) async fn http(&self, who: &str, method: &str, path: &str, body: Value) -> Value {
        let answer = self.answer(who, method, path, &body).await;
        assert_eq!(answer["status"], "success", "{method} {path}: {answer}");
        answer["data"].clone()
    }

    /// The same, made again as long as the store is told to be busy.
    pub(crate) async fn patiently(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Value {
        loop {
            let answer = self.answer(who, method, path, &body).await;
            if answer["code"] != "store_unavailable" {
                assert_eq!(answer["status"], "success", "{method} {path}: {answer}");
                return answer["data"].clone();
            }
        }
    }

    async fn answer(&self, who: &str, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.running.url());
        let request = reqwest::Client::new()
            .request(method.parse().unwrap(), url)
            .bearer_auth(self.token(who));
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The id of a group of these people, the first being its admin.
    pub(crate) async fn group(&self, people: &[&str]) -> String {
        for who in people {
            self.http(who, "GET", "/api/users/me", Value::Null).await;
        }
        let body = json!({"participants": people, "thread_type": "group", "distinct": false});
        let path = "/api/chat/create-or-get";
        let data = self.http(people[0], "POST", path, body).await;
        data["thread"]["id"].as_str().unwrap().to_owned()
    }
}

/// A database server of one test, which can be stopped and started.
pub(crate) struct OwnPostgres {
    server: Postgres,
    pub(crate) directory: TempDir,
}

impl OwnPostgres {
    /// None, with a line that says so, where there is no `PostgreSQL` on this machine.
    pub(crate) fn new() -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let started = Postgres::start(&directory.path().join("postgres"), &[]);
        Some(Self {
            server: or_skip(started)?,
            directory,
        })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url("postgres")
    }
}

impl Deref for OwnPostgres {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.server
    }
}
