//! On the simulated network: one seed, one run.

mod copies;
mod delivery;
mod devices;
mod files;
mod folders;
mod guesses;
mod hostile;
mod lockers;
mod meeting;
mod restarts;
mod seeds;
mod strangers;
