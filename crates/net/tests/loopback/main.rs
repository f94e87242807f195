//! Whole stories over real loopback sockets. They await events; none sleeps.

mod meeting;
mod services;
mod support;
