//! `account.*`: opening and closing accounts.

use crate::{
    App, Error, ErrorCode, Event,
    config::Costs,
    dto::*,
    records::{self, Profile},
    unlocked::{Place, Unlocked as Open, now},
};
use outis_crypto::os_rng;
use outis_identity::{Advice, Identity, Nickname, Password, strength, suggest_passphrase};
use outis_messenger::Origin;
use outis_vault::{OpenError, Vault};
use std::{path::PathBuf, sync::Arc};

impl App {
    /// Makes an account's key pair and a container for it on this machine.
    pub async fn account_create(&self, params: CreateAccount) -> Result<Account, Error> {
        let nickname = Nickname::parse(&params.nickname)?;
        let password = Password::parse(params.password.dangerously_expose())?;
        if !strength(nickname.as_typed(), password.dangerously_expose()).acceptable {
            return Err(Error::new(
                ErrorCode::WeakPassword,
                "this password could be guessed: take a longer one, or a suggested one",
            ));
        }
        let _changing = self.inner.changing.lock().await;
        self.nothing_open()?;
        let making = self.in_steps("account.create", 2, move |place, progress| {
            let identity = Identity::derive(&nickname, &password, place.costs.account)?;
            progress(1);
            make_container(&place, &nickname, &password, &identity)
        });
        Ok(self.open(making.await?, Origin::Created)?.account())
    }

    /// Opens an account's container; with `restore`, makes one for an account that this machine has not seen.
    pub async fn account_unlock(&self, params: UnlockAccount) -> Result<Unlocked, Error> {
        // What cannot be a nickname or a password opens nothing, and need not be told apart.
        let wrong = || Error::new(ErrorCode::WrongCredentials, "wrong nickname or password");
        let nickname = Nickname::parse(&params.nickname).map_err(|_| wrong())?;
        let password = Password::parse(params.password.dangerously_expose()).map_err(|_| wrong())?;
        let _changing = self.inner.changing.lock().await;
        self.nothing_open()?;
        let restore = params.restore;
        let opening = self.in_steps("account.unlock", if restore { 3 } else { 1 }, move |place, progress| {
            let secret = password.dangerously_expose().as_bytes();
            match Vault::open(
                &place.dir,
                nickname.canonical(),
                secret,
                place.costs.container,
                os_rng(),
            ) {
                Err(OpenError::WrongCredentials) if restore => {
                    progress(1);
                    let identity = Identity::derive(&nickname, &password, place.costs.account)?;
                    progress(2);
                    Ok((
                        make_container(&place, &nickname, &password, &identity)?,
                        Origin::Restored,
                    ))
                }
                // Whether it was created or restored stands in it.
                opened => Ok((opened?, Origin::Created)),
            }
        });
        let (vault, origin) = opening.await?;
        let open = self.open(vault, origin)?;
        // Where no relay is known and none was named, there is nobody to wait for.
        let nobody = self.inner.config.bootstrap.is_empty() && open.network.status().relays_known == 0;
        let known = match origin {
            Origin::Restored if nobody => Some(Known::Unanswered(Unreachable::Unreachable)),
            Origin::Restored => Some(open.known().await),
            Origin::Created => None,
        };
        Ok(Unlocked {
            account: open.account(),
            known,
        })
    }

    /// The person's word: that an account which the network does not know is new, or that this device goes on although the
    /// account was used on another one.
    pub async fn account_confirm_new(&self, _: Nothing) -> Result<Nothing, Error> {
        let open = self.unlocked()?;
        if open.messenger.is_superseded() {
            open.messenger.take_over()?
        } else {
            open.messenger.confirm_new()?
        }
        Ok(Nothing {})
    }

    /// Wipes the keys and leaves the network.
    pub async fn account_lock(&self, _: Nothing) -> Result<Nothing, Error> {
        let _changing = self.inner.changing.lock().await;
        self.close().await;
        Ok(Nothing {})
    }

    /// Whether an account is unlocked, and which.
    pub async fn account_status(&self, _: Nothing) -> Result<AccountStatus, Error> {
        Ok(match self.try_unlocked() {
            None => AccountStatus {
                state: AccountState::Locked,
                account: None,
            },
            Some(open) => {
                let superseded = open.messenger.is_superseded();
                let state = if superseded {
                    AccountState::Superseded
                } else {
                    AccountState::Unlocked
                };
                AccountStatus {
                    state,
                    account: Some(open.account()),
                }
            }
        })
    }

    /// Seven words that nobody has had before.
    pub async fn account_suggest_passphrase(&self, _: Nothing) -> Result<Suggestion, Error> {
        let passphrase = suggest_passphrase(&mut os_rng());
        Ok(Suggestion {
            passphrase: passphrase.dangerously_expose().to_owned().into(),
            bits: outis_identity::Passphrase::BITS,
        })
    }

    /// What a password is worth.
    pub async fn account_password_strength(&self, params: CheckPassword) -> Result<PasswordStrength, Error> {
        let found = strength(&params.nickname, params.password.dangerously_expose());
        Ok(PasswordStrength {
            bits: found.bits,
            acceptable: found.acceptable,
            advice: found
                .advice
                .into_iter()
                .map(|advice| in_words(advice).to_owned())
                .collect(),
        })
    }

    pub(crate) fn nothing_open(&self) -> Result<(), Error> {
        match self.try_unlocked() {
            None => Ok(()),
            Some(_) => Err(Error::new(
                ErrorCode::InvalidParams,
                "an account is unlocked: lock it first",
            )),
        }
    }

    /// Runs work that takes seconds where it blocks nobody, and tells how far it is.
    async fn in_steps<T: Send + 'static>(
        &self,
        operation: &'static str,
        steps: u64,
        work: impl FnOnce(Ground, &dyn Fn(u64)) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let outlet = self.inner.outlet.clone();
        let tell = move |done| {
            outlet.push(Event::Progress {
                operation: operation.to_owned(),
                done,
                total: Some(steps),
            });
        };
        let place = Ground {
            dir: self.inner.config.data_dir.join("accounts"),
            costs: self.inner.config.costs,
        };
        let done = tokio::task::spawn_blocking(move || {
            tell(0);
            let done = work(place, &tell)?;
            tell(steps);
            Ok(done)
        });
        done.await.map_err(Error::internal)?
    }

    fn open(&self, vault: Vault, origin: Origin) -> Result<Arc<Open>, Error> {
        let config = &self.inner.config;
        let place = Place {
            network: &config.network,
            bootstrap: config.bootstrap.clone(),
            relay: self.inner.relay.as_ref(),
            outlet: &self.inner.outlet,
        };
        let open = Open::start(vault, origin, place)?;
        self.put(Arc::clone(&open), None);
        Ok(open)
    }
}

/// Where containers are made, and at what cost.
pub(crate) struct Ground {
    pub(crate) dir: PathBuf,
    pub(crate) costs: Costs,
}

/// Makes a container and writes what it begins with.
pub(crate) fn make_container(
    ground: &Ground,
    nickname: &Nickname,
    password: &Password,
    identity: &Identity,
) -> Result<Vault, Error> {
    let secret = password.dangerously_expose().as_bytes();
    let vault = Vault::create(
        &ground.dir,
        nickname.canonical(),
        secret,
        ground.costs.container,
        os_rng(),
    )?;
    let profile = Profile {
        nickname: nickname.as_typed().to_owned(),
        created_at: now(),
    };
    records::begin(&vault, identity, &profile)?;
    Ok(vault)
}

fn in_words(advice: Advice) -> &'static str {
    match advice {
        Advice::CommonPassword => "this is among the commonest passwords",
        Advice::ContainsNickname => "leave your nickname out of it",
        Advice::Names => "names are tried first",
        Advice::SingleWord => "one word alone is quickly found",
        Advice::KeyboardPattern => "keys that lie beside each other are tried first",
        Advice::Sequence => "sequences such as abc or 6543 are tried first",
        Advice::Repetition => "repetition adds little",
        Advice::Dates => "dates and years are tried first",
        Advice::MoreWords => "take more words, chosen at random",
    }
}
