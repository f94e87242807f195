//! Whole stories, told with Alice and Bob.

mod architecture;
mod formats;
mod real;
mod sim;
mod window;
