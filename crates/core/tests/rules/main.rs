//! The rules, tried from outside: tables of cases named by requirement, and random sequences against a model.

mod idempotency;
mod limits;
mod membership;
mod messages;
mod paging;
mod property;
mod support;
mod threads;
