//! Contacts, conversations, outbox, delivery.
