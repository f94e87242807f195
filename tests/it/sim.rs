//! On the simulated network: one seed, one run.

mod changes;
mod copies;
mod delivery;
mod devices;
mod disappearing;
mod files;
mod folders;
mod given;
mod guesses;
mod hostile;
mod hygiene;
mod linking;
mod lockers;
mod meeting;
mod receipts;
mod restarts;
mod seeds;
mod strangers;
mod survival;
mod sybils;
