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

        /// All of them: for tests, which hold them apart and derive whatever can be derived.
        pub const ALL: &[Label] = &[$($name),*];
    };
}

labels! {
    /// Subkey and commitment of the committing AEAD.
    AEAD_COMMITTING = "outis/v1/aead/committing";

    /// A relay's signature over its descriptor, for one network.
    RELAY_DESCRIPTOR = "outis/v1/relay/descriptor";

    /// What shows a relay that a handshake was made for it.
    ONION_CREATE = "outis/v1/onion/create";
    /// All that a handshake with a relay binds together.
    ONION_TRANSCRIPT = "outis/v1/onion/transcript";
    /// The first keys of a layer, and the relay's confirmation.
    ONION_KEYS = "outis/v1/onion/keys";

    /// The name under which a client counts its circuits to a destination.
    NET_TRIES = "outis/v1/net/tries";

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

    /// The name of a file: a hash of all that its offer says about its content.
    FILE_ID = "outis/v1/transfer/id";
    /// From a file's key to the two keys of a road.
    FILE_ROAD = "outis/v1/transfer/road";
    /// From a file's key to the key of pieces that wait in mailboxes.
    FILE_PIECE = "outis/v1/transfer/piece";

    /// A device's signature over a prekey.
    RATCHET_PREKEY = "outis/v1/ratchet/prekey/signature";
    /// The name of a prekey: a hash of all that it consists of.
    RATCHET_PREKEY_ID = "outis/v1/ratchet/prekey/id";
    /// The key that an initiator's certificate is sealed with.
    RATCHET_SENDER = "outis/v1/ratchet/sender";
    /// The name of a handshake, by which a repeated one is known.
    RATCHET_HANDSHAKE = "outis/v1/ratchet/handshake";
    /// All that a handshake binds together; the name of its session.
    RATCHET_TRANSCRIPT = "outis/v1/ratchet/transcript";
    /// The first keys of a session.
    RATCHET_START = "outis/v1/ratchet/start";
    /// Root, chain and header key after a turn.
    RATCHET_TURN = "outis/v1/ratchet/turn";
    /// The next key of a chain, and its message's key.
    RATCHET_CHAIN = "outis/v1/ratchet/chain";

    /// What an installation's salt and a nickname make of each other, for Argon2id.
    VAULT_SALT = "outis/v1/vault/salt";
    /// The name of an account's folder.
    VAULT_TAG = "outis/v1/vault/tag";
    /// The key that wraps a container's data key.
    VAULT_KEK = "outis/v1/vault/kek";
    /// The key by which places become disk keys.
    VAULT_NAMES = "outis/v1/vault/names";
    /// The key by which the heads of values are masked.
    VAULT_HEADS = "outis/v1/vault/heads";
    /// The key that seals the root slots.
    VAULT_ROOTS = "outis/v1/vault/roots";
    /// Where a value stands on disk.
    VAULT_DISK_KEY = "outis/v1/vault/disk-key";
    /// The mask of one value's head.
    VAULT_HEAD_MASK = "outis/v1/vault/mask";
    /// One step down a tree of keys.
    VAULT_TREE = "outis/v1/vault/tree";
    /// What tells a frame of the journal from a torn one.
    VAULT_JOURNAL = "outis/v1/vault/journal";
    /// What one pair adds to the sum over all that a store holds.
    VAULT_SUM = "outis/v1/vault/sum";
    /// Salt of the password function for an archive: its own salt and the nickname.
    ARCHIVE_SALT = "outis/v1/archive/salt";
    /// The key that an archive's file key is wrapped under.
    ARCHIVE_KEY = "outis/v1/archive/key";

    /// The salted hash of a message's content.
    MESSENGER_CONTENT = "outis/v1/messenger/content";
    /// A link of the chain over one direction of a conversation.
    MESSENGER_CHAIN = "outis/v1/messenger/chain";
    /// The name of a ciphertext between the two who know it.
    MESSENGER_CIPHERTEXT = "outis/v1/messenger/ciphertext";
    /// The owner of the skipped keys of one session.
    MESSENGER_SKIPPED = "outis/v1/messenger/skipped";
    /// The name under which a seen request is remembered.
    MESSENGER_REQUEST = "outis/v1/messenger/request";
    /// What keeps streams of one contact and role apart from all others.
    MESSENGER_ISOLATION = "outis/v1/messenger/isolation";
    /// The key under which a device seals its witness into its own descriptor.
    MESSENGER_WITNESS = "outis/v1/messenger/witness";

    /// What an account's key is blinded by.
    BLINDED_FACTOR = "outis/v1/blinded/factor";
    /// The nonce prefix of a blinded key.
    BLINDED_NONCE = "outis/v1/blinded/nonce-prefix";
    /// The key that a descriptor's content is sealed with.
    DESCRIPTOR_KEY = "outis/v1/descriptor/key";
    /// What hides how often an account has published.
    DESCRIPTOR_REVISION = "outis/v1/descriptor/revision";
    /// A blinded key's signature over a descriptor.
    DESCRIPTOR_SIGNATURE = "outis/v1/descriptor/signature";
    /// Digest of a signed descriptor, which the work for it is bound to.
    DESCRIPTOR_DIGEST = "outis/v1/descriptor/digest";
    /// Where in the directory an account's descriptor lies.
    DIRECTORY_ACCOUNT = "outis/v1/directory/account";
    /// Where in the directory a relay's descriptor lies.
    DIRECTORY_RELAY = "outis/v1/directory/relay";
    /// What work is done for.
    WORK_CHALLENGE = "outis/v1/work/challenge";
    /// One try at a challenge.
    WORK_SEED = "outis/v1/work/seed";
    /// Whether a solution pays.
    WORK_RESULT = "outis/v1/work/result";
    /// From a queue's owner key to its id.
    QUEUE_ID = "outis/v1/queue/id";
    /// From a queue's seed to the owner's signing key.
    QUEUE_OWNER_KEY = "outis/v1/queue/owner-key";
    /// From a queue's seed to what senders show.
    QUEUE_SEND_KEY = "outis/v1/queue/send-key";
    /// From a queue's seed to what copies are sealed with.
    QUEUE_SEAL_KEY = "outis/v1/queue/seal-key";
    /// From a queue's seed to what passes are made with.
    QUEUE_PASS_KEY = "outis/v1/queue/pass-key";
    /// What a mailbox keeps of a send key.
    QUEUE_SEND_DIGEST = "outis/v1/queue/send-digest";
    /// From a pass key and a contact's number to the name of that contact's pass.
    QUEUE_PASS_NAME = "outis/v1/queue/pass-name";
    /// What shows that a pass was made by the queue's owner.
    QUEUE_PASS_PROOF = "outis/v1/queue/pass-proof";
    /// What an envelope is sealed for.
    ENVELOPE_SEAL = "outis/v1/envelope/seal";
    /// What a mailbox tells envelopes apart by.
    ENVELOPE_DIGEST = "outis/v1/envelope/digest";
    /// An owner's signature over the order to create a queue.
    MAILBOX_CREATE = "outis/v1/mailbox/create";
    /// Digest of such an order, which the work for it is bound to.
    MAILBOX_ORDER = "outis/v1/mailbox/order";
    /// An owner's signature to open a queue.
    MAILBOX_OPEN = "outis/v1/mailbox/open";
    /// Remembers work that was spent.
    MAILBOX_SPENT = "outis/v1/mailbox/spent";
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
