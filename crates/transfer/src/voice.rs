//! What is said of something spoken, so that it can be shown before it is there.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A file that is something spoken: how long it is, and how loud from its beginning to its end. Its sender says so; nothing
/// depends on it but what is drawn.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Voice {
    ms: u32,
    waveform: Vec<u8>,
}

impl Voice {
    /// `None` if the waveform has more than [`MAX_WAVEFORM`](Self::MAX_WAVEFORM) steps.
    pub fn new(ms: u32, waveform: Vec<u8>) -> Option<Self> {
        (waveform.len() <= Self::MAX_WAVEFORM).then_some(Self { ms, waveform })
    }

    /// Milliseconds.
    pub fn ms(&self) -> u32 {
        self.ms
    }

    /// Loudness, in even steps over the whole length.
    pub fn waveform(&self) -> &[u8] {
        &self.waveform
    }

    /// Steps of a waveform.
    pub const MAX_WAVEFORM: usize = 64;

    /// The longest encoding: milliseconds, a varint; the waveform, its length and a byte a step.
    pub(crate) const MAX_ENCODED: usize = 5 + 1 + Self::MAX_WAVEFORM;
}

/// Shows nothing: how long somebody spoke belongs into no log.
impl fmt::Debug for Voice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ms: _, waveform: _ } = self;
        out.write_str("Voice(..)")
    }
}

#[derive(Serialize, Deserialize)]
struct Form {
    ms: u32,
    waveform: Vec<u8>,
}

impl From<Voice> for Form {
    fn from(Voice { ms, waveform }: Voice) -> Self {
        Self { ms, waveform }
    }
}

impl TryFrom<Form> for Voice {
    type Error = &'static str;

    fn try_from(Form { ms, waveform }: Form) -> Result<Self, Self::Error> {
        Self::new(ms, waveform).ok_or("a waveform of too many steps")
    }
}
