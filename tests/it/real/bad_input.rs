//! Whatever is wrong with what comes in: it gets the error that the interface names, nothing is lost, nobody crashes.

mod account;
mod contacts;
mod files;
mod full;
mod garbage;
mod lines;

/// An address of nobody: the account key of the seed 01…01, from `tests/vectors/identity-address.txt`.
pub(super) const STRANGER: &str = "outis1qx9g3c7awsylr90a2tdj6096t4ev5ecfhuwegysm7d6gsqd5pah4cs3nflq";

/// The same for the seed 02…02.
const OTHER_STRANGER: &str = "outis1qxqnjacw4p73wh6k5d2xds6v0mxvhrv2jx6wudazthmq7ku0exeeg3r8dyy";
