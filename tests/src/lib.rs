//! Harness and whole stories.
