//! What a key, hash or signature is for: one registry, so that nothing made for one purpose is accepted for another.
//!
//! Labels are unique and none is the beginning of another (both are tested). A removed label stays reserved.

/// One purpose. Can only be made in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(&'static str);

impl Label {
    /// The text that goes into hashes and signatures.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Label = Label($text);)*

        #[cfg(test)]
        const ALL: &[Label] = &[$($name),*];
    };
}

labels! {
    /// Subkey and commitment of the committing AEAD.
    AEAD_COMMITTING = "outis/v1/aead/committing";

    /// Salt of an account's root: names the Unicode version that nicknames are normalised by.
    ACCOUNT_SALT = "outis/v1/identity/salt/unicode-16.0";
    /// From an account's root to its Ed25519 seed.
    ACCOUNT_KEY = "outis/v1/identity/account";
    /// An account's signature over a device's keys.
    DEVICE_CERTIFICATE = "outis/v1/identity/device-certificate";
    /// The name of a device: a hash of its public keys.
    DEVICE_ID = "outis/v1/identity/device-id";
    /// One step of the hash behind a safety number.
    SAFETY_NUMBER_STEP = "outis/v1/identity/safety-number/step";
    /// From that hash to the digits.
    SAFETY_NUMBER_DIGITS = "outis/v1/identity/safety-number/digits";

    /// The salted hash of a message's content.
    MESSENGER_CONTENT = "outis/v1/messenger/content";
    /// A link of the chain over one direction of a conversation.
    MESSENGER_CHAIN = "outis/v1/messenger/chain";
    /// The name of a ciphertext between the two who know it.
    MESSENGER_CIPHERTEXT = "outis/v1/messenger/ciphertext";
    /// The name under which a seen request is remembered.
    MESSENGER_REQUEST = "outis/v1/messenger/request";
    /// What keeps streams of one contact and role apart from all others.
    MESSENGER_ISOLATION = "outis/v1/messenger/isolation";
    /// The key under which a device seals its witness into its own descriptor.
    MESSENGER_WITNESS = "outis/v1/messenger/witness";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique_and_none_begins_another() {
        for (i, a) in ALL.iter().enumerate() {
            assert!(a.0.starts_with("outis/v1/") && a.0.len() < 256, "{a:?}");
            for (j, b) in ALL.iter().enumerate() {
                assert!(i == j || !b.0.starts_with(a.0), "{a:?} begins {b:?}");
            }
        }
    }
}
