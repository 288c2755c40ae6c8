//! Stores behind the ports of `semel-core`.
