//! The server.

pub mod app;
pub mod auth;
pub mod bus;
pub mod config;
pub mod convert;
pub mod http;
pub mod hub;
pub mod idempotency;
pub mod jobs;
pub mod realtime;
pub mod serve;
mod strict;
pub mod telemetry;
mod turns;
pub mod web;
pub mod world;
