//! The encrypted container.
