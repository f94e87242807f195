//! Whole stories, told with Alice and Bob.

mod real;
mod sim;
