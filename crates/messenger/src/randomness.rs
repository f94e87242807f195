//! The randomness that was handed in, shared by the state and the work that is under way.

use outis_crypto::CryptoRng;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

/// One source for all: the operating system's, or a seed's. Clones draw from the same.
#[derive(Clone)]
pub(crate) struct Randomness(Arc<Mutex<Box<dyn CryptoRng + Send>>>);

impl Randomness {
    pub(crate) fn new(source: impl CryptoRng + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(source))))
    }

    fn with<R>(&mut self, draw: impl FnOnce(&mut dyn CryptoRng) -> R) -> R {
        // A source that panicked panics again: nothing is made with randomness that is not there.
        draw(self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
    }
}

impl rand_core::TryRng for Randomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.with(|source| source.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.with(|source| source.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.with(|source| source.fill_bytes(bytes));
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Randomness {}
