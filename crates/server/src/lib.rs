//! The server.

pub mod address;
pub mod app;
pub mod auth;
pub mod bus;
pub mod config;
pub mod convert;
mod export;
mod headers;
pub mod http;
pub mod hub;
pub mod idempotency;
pub mod jobs;
pub mod limits;
#[cfg(test)]
mod near;
mod pictures;
pub mod realtime;
pub mod serve;
pub mod sign_in;
mod strict;
pub mod telemetry;
mod turns;
pub mod web;
pub mod world;
