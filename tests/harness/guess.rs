//! What somebody makes of a guessed password, to hold it against everything that they have collected.
//!
//! Type to know: [`Guess`].

use crate::canary::Needles;
use outis_crypto::{
    Secret, agreement,
    blinded::{BlindedKey, Factor},
    derive_from, hash, label,
    password::{Cost, stretch},
    signature,
};
use outis_identity::{Identity, Nickname, Password};
use outis_mailbox::descriptor::{DirectoryKey, PUBLISHED};
use outis_wire::{Epoch, NetworkName};
use std::collections::BTreeSet;

/// One nickname and one password, and all that can be made of them without asking anybody.
pub struct Guess {
    /// Where the account's descriptors lie and under which keys, for each day for which they are published.
    pub descriptors: Vec<(String, [u8; 32])>,
    /// The account itself, as its address has it.
    pub account: [u8; 32],
    /// Whatever our derivations give for any label, from the root, the seed, the account's key or the password itself, bound
    /// to nothing, to the network, to the day or to the nickname; and the public keys of all that.
    pub derived: Vec<(String, [u8; 32])>,
}

impl Guess {
    /// Makes one, at this cost.
    ///
    /// # Panics
    /// If it can be no nickname or no password, or if the memory is not there.
    pub fn at(cost: Cost, nickname: &str, password: &str, network: &NetworkName, today: Epoch) -> Self {
        let nickname = Nickname::parse(nickname).expect("a nickname");
        let password = Password::parse(password).expect("a password");
        let salt = hash(label::ACCOUNT_SALT, &[nickname.canonical().as_bytes()]);
        let words = password.dangerously_expose().as_bytes();
        let root: Secret<64> = stretch(words, &salt, cost).expect("memory");
        let root = root.dangerously_expose();
        let seed: Secret<32> = derive_from(label::ACCOUNT_KEY, &[root], &[]);
        let account = signature::SigningKey::from_seed(&seed).verifying_key();
        let mut descriptors = Vec::new();
        for day in PUBLISHED {
            let epoch = today.offset(day);
            let factor = Factor::new(&account, &[network.as_str().as_bytes(), &epoch.0.to_be_bytes()]);
            let blinded = BlindedKey::new(&account, factor).expect("made honestly");
            let place = DirectoryKey::account(network, &blinded, epoch);
            descriptors.push((format!("the descriptor's key of day {day}"), *blinded.as_bytes()));
            descriptors.push((format!("the descriptor's place of day {day}"), place.0));
        }
        let (low, high) = root.split_at(32);
        let secrets = [
            ("root", root.as_slice()),
            ("first half of the root", low),
            ("second half of the root", high),
            ("seed", seed.dangerously_expose()),
            ("account", account.as_bytes()),
            ("password", words),
        ];
        let day = today.0.to_be_bytes();
        let bindings: [(&str, &[&[u8]]); 4] = [
            ("nothing", &[]),
            ("the network", &[network.as_str().as_bytes()]),
            ("the day", &[&day]),
            ("the nickname", &[nickname.canonical().as_bytes()]),
        ];
        let mut derived = Vec::new();
        for (name, secret) in secrets {
            if let Ok(itself) = <[u8; 32]>::try_from(secret) {
                push_with_keys(&mut derived, name, itself);
            }
            for label in label::ALL {
                for (binding, context) in bindings {
                    let name = format!("{} of {name} bound to {binding}", label.as_str());
                    let key: Secret<32> = derive_from(*label, &[secret], context);
                    push_with_keys(&mut derived, &name, *key.dangerously_expose());
                    let parts: Vec<&[u8]> = std::iter::once(secret).chain(context.iter().copied()).collect();
                    derived.push((format!("hash {name}"), hash(*label, &parts)));
                }
            }
        }
        // An account is what its address says, and that is looked for by its own name.
        derived.retain(|(_, bytes)| bytes != account.as_bytes());
        Self {
            descriptors,
            account: *account.as_bytes(),
            derived,
        }
    }

    /// Only what the protocol itself says is published: many candidates are compared by this.
    ///
    /// # Panics
    /// As [`Guess::at`].
    pub fn published(cost: Cost, nickname: &str, password: &str, network: &NetworkName, today: Epoch) -> DirectoryKey {
        let nickname = Nickname::parse(nickname).expect("a nickname");
        let password = Password::parse(password).expect("a password");
        let identity = Identity::derive(&nickname, &password, cost).expect("memory");
        DirectoryKey::of(network, &identity.account_key(), today).expect("made honestly")
    }

    /// What of it stands anywhere in what was collected, by name.
    pub fn matches(&self, collected: &[&[u8]]) -> BTreeSet<String> {
        let mut needles = Needles::default();
        needles.add("the account", &self.account);
        for (name, bytes) in self.descriptors.iter().chain(&self.derived) {
            needles.add_exactly(name, bytes.to_vec());
        }
        let found = collected.iter().flat_map(|bytes| needles.in_bytes(bytes));
        found.map(str::to_owned).collect()
    }
}

/// It, and the public keys that it gives as a secret.
fn push_with_keys(derived: &mut Vec<(String, [u8; 32])>, name: &str, bytes: [u8; 32]) {
    let secret = Secret::from_bytes(bytes);
    let signing = signature::SigningKey::from_seed(&secret).verifying_key();
    let agreeing = agreement::SecretKey::from_seed(&secret).public();
    derived.push((name.to_owned(), bytes));
    derived.push((format!("the Ed25519 key of {name}"), *signing.as_bytes()));
    derived.push((format!("the X25519 key of {name}"), *agreeing.as_bytes()));
}
