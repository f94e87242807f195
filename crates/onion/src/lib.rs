//! Relay descriptors and, later, circuits: pure state, no input or output.
