//! Nickname and password to keys; addresses, invites, safety numbers, device certificates.
