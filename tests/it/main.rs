//! Whole stories, told with Alice and Bob.

// Here everything is a test, also what stands outside the functions marked so.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod architecture;
mod formats;
mod lab;
mod real;
mod secrets;
mod sim;
mod window;
