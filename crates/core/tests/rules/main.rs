//! The rules, tried from outside: tables of cases named by requirement, and random sequences against a model.

mod groups;
mod idempotency;
mod invites;
mod limits;
mod membership;
mod messages;
mod paging;
mod people;
mod property;
mod sign_in;
mod support;
mod telling;
mod threads;
