//! The composition root: everything a face of Outis sees.
