//! Whole stories over real loopback sockets. They await events; none sleeps.

mod attacks;
mod circuits;
mod meeting;
mod services;
mod support;
