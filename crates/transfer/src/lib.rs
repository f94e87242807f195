//! File manifests, chunks and the resume state machine, as pure state.
