//! Whole stories over real loopback sockets. They await events; none sleeps.

mod attacks;
mod meeting;
mod services;
mod support;
