//! The only door to cryptographic primitives.
