//! The little without which an account cannot go on: its key, its name, its contacts and settings. The vault keeps a sealed
//! copy of it beside the store, and an account whose store is damaged begins again with that.

use crate::{App, Error, ErrorCode, account::in_network, dto::*, memory, records, unlocked::Unlocked as Open};
use outis_crypto::os_rng;
use outis_identity::{Identity, Nickname, Password};
use outis_messenger::{Messenger, Origin};
use outis_vault::{ArchiveKey, Vault};
use std::sync::Arc;

/// What is kept, by tag: those of an archive.
type Kept = Vec<(u16, Vec<u8>)>;

impl App {
    /// For an account that says `container_damaged`: puts what cannot be read aside and begins with the sealed copy of key,
    /// contacts and settings, as a new device. What stood in the conversations is not in it.
    pub async fn account_start_over(&self, params: UnlockAccount) -> Result<Unlocked, Error> {
        let wrong = || Error::new(ErrorCode::WrongCredentials, "wrong nickname or password");
        let nickname = Nickname::parse(&params.nickname).map_err(|_| wrong())?;
        let password = Password::parse(params.password.dangerously_expose()).map_err(|_| wrong())?;
        let _changing = self.inner.changing.lock().await;
        self.nothing_open()?;
        let ground = self.ground();
        let beginning = move || {
            let (name, secret) = (nickname.canonical(), password.dangerously_expose().as_bytes());
            let cost = ground.costs.container;
            // Only what really does not open is put aside.
            match Vault::open(&ground.dir, name, secret, cost, os_rng()) {
                Err(outis_vault::OpenError::Damaged { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Err(Error::new(ErrorCode::InvalidParams, "nothing is damaged: unlock it")),
            }
            let (vault, kept) = Vault::start_over(&ground.dir, name, secret, cost, os_rng())?;
            let kept = kept.ok_or_else(|| Error::new(ErrorCode::ContainerDamaged, "the sealed copy is gone too"))?;
            let archives = ArchiveKey::derive(name, secret, cost, &mut os_rng())?;
            fill(&vault, kept.dangerously_expose(), &archives)?;
            Ok(vault)
        };
        let vault = memory::on_a_thread("account.start_over", beginning).await??;
        let open = self.open(vault, Origin::Restored)?;
        in_network(&self.inner.config, &open).await
    }
}

impl Open {
    /// Keeps how it is now.
    pub(crate) fn keep(&self) {
        // The copy before this one stays where it fails.
        if let Err(error) = self.try_keep() {
            tracing::warn!(code = ?error.code, "could not keep a copy of the contacts");
        }
    }

    fn try_keep(&self) -> Result<(), Error> {
        let settings = serde_json::to_vec(&records::settings(&self.vault)?).map_err(Error::internal)?;
        let kept: Kept = vec![
            (
                IDENTITY,
                records::identity(&self.vault)?
                    .to_record()
                    .dangerously_expose()
                    .to_vec(),
            ),
            (PROFILE, records::record(&self.profile)),
            (SETTINGS, settings),
            (CONTACTS, self.messenger.export_contacts()),
        ];
        self.vault.keep(&outis_wire::encode(&kept)).map_err(Into::into)
    }
}

fn fill(vault: &Vault, kept: &[u8], archives: &ArchiveKey) -> Result<(), Error> {
    let damaged = || Error::new(ErrorCode::ContainerDamaged, "the sealed copy is damaged");
    let kept: Kept = outis_wire::decode(kept, Vault::MAX_KEEPSAKE_BYTES).map_err(|_| damaged())?;
    let of = |tag| {
        kept.iter()
            .find(|(known, _)| *known == tag)
            .map(|(_, bytes)| bytes.as_slice())
    };
    let identity = of(IDENTITY)
        .and_then(|bytes| Identity::from_record(bytes).ok())
        .ok_or_else(damaged)?;
    let profile = records::read_record(of(PROFILE).ok_or_else(damaged)?)?;
    if let Some(contacts) = of(CONTACTS) {
        Messenger::import(&Arc::new(vault.clone()), contacts)?;
    }
    if let Some(settings) = of(SETTINGS).and_then(|bytes| serde_json::from_slice(bytes).ok()) {
        records::put_settings(vault, &settings)?;
    }
    records::begin(vault, &identity, &profile, archives)
}

const IDENTITY: u16 = 1;
const PROFILE: u16 = 2;
const SETTINGS: u16 = 3;
const CONTACTS: u16 = 4;

#[cfg(test)]
mod tests {
    use crate::{App, Config, ErrorCode, dto::*};
    use tempfile::TempDir;

    const PASSWORD: &str = "seven grey lighthouses counted from the pier";

    fn credentials() -> UnlockAccount {
        UnlockAccount {
            nickname: "Ada".to_owned(),
            password: PASSWORD.to_owned().into(),
            restore: false,
        }
    }

    #[tokio::test]
    async fn an_account_whose_store_is_damaged_begins_again_with_its_contacts_and_settings() {
        let dir = TempDir::new().unwrap();
        let config = Config::new(dir.path().to_owned(), "test-keepsake", &[]).unwrap();
        let app = App::start(config.dangerously_cheap()).await.unwrap();
        let (nickname, password) = ("Ada".to_owned(), PASSWORD.to_owned().into());
        let own = app.account_create(CreateAccount { nickname, password }).await.unwrap();
        app.account_lock(Nothing {}).await.unwrap();
        let (nickname, password) = ("Grace".to_owned(), PASSWORD.to_owned().into());
        let friend = app.account_create(CreateAccount { nickname, password }).await.unwrap();
        app.account_lock(Nothing {}).await.unwrap();
        app.account_unlock(credentials()).await.unwrap();
        let add = AddContact {
            address: friend.address.clone(),
            alias: Some("the keeper".to_owned()),
            greeting: None,
        };
        app.contact_add(add).await.unwrap();
        let theme = SettingsChange {
            theme: Some(Theme::Dark),
            ..SettingsChange::default()
        };
        app.settings_set(theme).await.unwrap();
        app.account_lock(Nothing {}).await.unwrap();

        // What opens is never put aside.
        let refused = app.account_start_over(credentials()).await.map_err(|error| error.code);
        assert_eq!(refused.map(drop), Err(ErrorCode::InvalidParams));
        for folder in std::fs::read_dir(dir.path().join("accounts")).unwrap() {
            let log = folder.unwrap().path().join("store").join("db");
            if log.exists() {
                std::fs::write(log, vec![0xa5; 200_000]).unwrap();
            }
        }
        let refused = app.account_unlock(credentials()).await.map_err(|error| error.code);
        assert_eq!(refused.map(drop), Err(ErrorCode::ContainerDamaged));
        let mut wrong = credentials();
        wrong.password = "an umbrella forgotten on the night train".to_owned().into();
        let refused = app.account_start_over(wrong).await.map_err(|error| error.code);
        assert_eq!(refused.map(drop), Err(ErrorCode::WrongCredentials));

        let again = app.account_start_over(credentials()).await.unwrap();
        assert_eq!(
            (again.account.address, again.account.nickname),
            (own.address, "Ada".to_owned())
        );
        let contacts = app.contact_list(Nothing {}).await.unwrap();
        assert_eq!(contacts.len(), 1);
        assert_eq!(contacts[0].address, friend.address);
        assert_eq!(contacts[0].alias.as_deref(), Some("the keeper"));
        assert_eq!(app.settings_get(Nothing {}).await.unwrap().theme, Theme::Dark);
        app.account_lock(Nothing {}).await.unwrap();
        app.account_unlock(credentials()).await.unwrap();
    }
}
