//! A database of a test, which goes away with it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread::JoinHandle,
};

use semel_services::{Shared, shared_postgres};

pub(crate) struct Database {
    server: &'static Shared,
    name: String,
    pub(crate) url: String,
}

impl Database {
    /// None, with a line that says so, where there is no `PostgreSQL`.
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let server = shared_postgres()?;
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("semel_servers_{}_{number}", std::process::id());
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        server.sql_in("postgres", &create).unwrap();
        let url = server.url(&name);
        Some(Self { server, name, url })
    }

    /// What a statement answers, one row a line.
    pub(crate) fn ask(&self, sql: &str) -> String {
        self.server.sql_in(&self.name, sql).unwrap()
    }

    /// The same, while the test goes on.
    pub(crate) fn ask_meanwhile(&self, sql: String) -> JoinHandle<String> {
        let (server, name) = (self.server, self.name.clone());
        std::thread::spawn(move || server.sql_in(&name, &sql).unwrap())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let end = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.server.sql_in("postgres", &end).unwrap();
    }
}
