//! The swarm, discovery and streams between nodes.
