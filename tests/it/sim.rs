//! On the simulated network: one seed, one run.

mod copies;
mod delivery;
mod devices;
mod files;
mod guesses;
mod hostile;
mod meeting;
mod restarts;
mod seeds;
mod strangers;
