//! A store in memory, a driver, a reference model and a device.

pub(crate) mod check;
pub(crate) mod device;
pub(crate) mod memory;
pub(crate) mod model;
pub(crate) mod model_people;
pub(crate) mod phone;
pub(crate) mod random;
pub(crate) mod renderer;
pub(crate) mod tell;
pub(crate) mod words;
pub(crate) mod world;
