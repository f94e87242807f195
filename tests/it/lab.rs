//! Twelve hosts in network namespaces, each with a link of its own that is recorded.

mod attackers;
mod kills;
mod leaks;
mod probes;
mod recordings;
mod screen;
mod town;
