//! The `outis` program.
