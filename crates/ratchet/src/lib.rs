//! Pairwise sessions: PQXDH and a post-quantum double ratchet, as pure state.
