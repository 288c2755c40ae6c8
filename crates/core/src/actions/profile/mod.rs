//! Profiles: handles, and finding people.

mod change_findability;
mod change_handle;
mod find_person;

pub use change_findability::ChangeFindability;
pub use change_handle::ChangeHandle;
pub use find_person::{FindPerson, SoughtBy};
