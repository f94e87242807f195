//! Whole stories, told with Alice and Bob.

mod sim;
