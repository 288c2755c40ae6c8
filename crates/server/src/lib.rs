//! The server.

pub mod config;
pub mod app;
pub mod auth;
pub mod convert;
pub mod telemetry;
pub mod world;
