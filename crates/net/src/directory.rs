//! Asking a relay's directory about other relays.

use futures::io::{AsyncRead, AsyncWrite};
use outis_mailbox::{
    descriptor::DirectoryKey,
    directory::{Directory, LookupError, MAX_SAMPLE, Record},
};
use outis_onion::SignedDescriptor;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question {
    /// The descriptor of one relay.
    Get(DirectoryKey),
    /// Those of some relays.
    Sample,
}

/// Asks one question. What comes back is unchecked.
pub(crate) async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    question: Question,
) -> Result<Vec<SignedDescriptor>, LookupError> {
    let mut directory = Directory::new(stream);
    let found = match question {
        Question::Get(key) => directory.get(key).await?.into_iter().filter_map(relay).collect(),
        Question::Sample => directory.sample(MAX_SAMPLE).await?,
    };
    Ok(found
        .iter()
        .filter_map(|bytes| SignedDescriptor::from_bytes(bytes).ok())
        .collect())
}

fn relay(record: Record) -> Option<Vec<u8>> {
    match record {
        Record::Relay(descriptor) => Some(descriptor),
        Record::Account(_) => None,
    }
}
