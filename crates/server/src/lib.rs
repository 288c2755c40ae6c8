//! The server.

pub mod config;
pub mod app;
pub mod auth;
pub mod convert;
pub mod hub;
pub mod idempotency;
pub mod realtime;
pub mod serve;
pub mod telemetry;
pub mod web;
pub mod world;
pub mod http;
pub mod jobs;
