//! On the simulated network: one seed, one run.

mod files;
mod meeting;
