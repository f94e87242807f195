//! `account.*`: opening and closing accounts.

mod care;

use crate::{
    App, Config, Error, ErrorCode, Event,
    config::Costs,
    dto::*,
    memory,
    records::{self, Profile},
    unlocked::{Place, Unlocked as Open, now},
};
use outis_crypto::os_rng;
use outis_identity::{Advice, Identity, Nickname, Password, strength, suggest_passphrase};
use outis_messenger::Origin;
use outis_vault::{ArchiveKey, OpenError, Vault};
use std::{path::PathBuf, sync::Arc};

impl App {
    /// Makes an account's key pair and a container for it on this machine.
    pub async fn account_create(&self, params: CreateAccount) -> Result<Account, Error> {
        let nickname = Nickname::parse(&params.nickname)?;
        let password = Password::parse(params.password.dangerously_expose())?;
        refuse_weak(&nickname, &password)?;
        let _changing = self.inner.changing.lock().await;
        self.nothing_open()?;
        let making = self.in_steps("account.create", self.ground(), 2, move |place, progress| {
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
        let opening = self.in_steps(
            "account.unlock",
            self.ground(),
            if restore { 3 } else { 1 },
            move |place, progress| open_container(&place, &nickname, &password, restore, progress),
        );
        let (vault, origin) = opening.await?;
        let open = self.open(vault, origin)?;
        match origin {
            Origin::Restored => in_network(&self.inner.config, &open).await,
            Origin::Created => Ok(Unlocked {
                account: open.account(),
                known: None,
            }),
        }
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
                may_be_swapped: memory::may_be_swapped(),
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
                    may_be_swapped: memory::may_be_swapped(),
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
        place: Ground,
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
        let done = memory::on_a_thread(operation, move || {
            tell(0);
            let done = work(place, &tell)?;
            tell(steps);
            Ok(done)
        });
        done.await?
    }

    /// Where this machine's containers are.
    pub(crate) fn ground(&self) -> Ground {
        Ground {
            dir: self.inner.config.data_dir.join("accounts"),
            costs: self.inner.config.costs,
        }
    }

    pub(crate) fn open(&self, vault: Vault, origin: Origin) -> Result<Arc<Open>, Error> {
        let config = &self.inner.config;
        let place = Place {
            network: &config.network,
            bootstrap: config.bootstrap.clone(),
            relay: self.inner.relay.as_ref(),
            outlet: &self.inner.outlet,
            ground: self.ground(),
        };
        let open = Open::start(vault, origin, place)?;
        self.put(Arc::clone(&open), None);
        Ok(open)
    }
}

/// What the network knows of an account that is new on this machine.
pub(crate) async fn in_network(config: &Config, open: &Open) -> Result<Unlocked, Error> {
    // Where no relay is known and none was named, there is nobody to wait for.
    let nobody = config.bootstrap.is_empty() && open.network.status().relays_known == 0;
    let known = if nobody {
        Known::Unanswered(Unreachable::Unreachable)
    } else {
        open.known().await
    };
    Ok(Unlocked {
        account: open.account(),
        known: Some(known),
    })
}

/// Opens the container of these credentials, or makes one for an account that this machine has not seen.
fn open_container(
    ground: &Ground,
    nickname: &Nickname,
    password: &Password,
    restore: bool,
    progress: &dyn Fn(u64),
) -> Result<(Vault, Origin), Error> {
    let (dir, cost, secret) = (
        &ground.dir,
        ground.costs.container,
        password.dangerously_expose().as_bytes(),
    );
    match Vault::open(dir, nickname.canonical(), secret, cost, os_rng()) {
        Err(OpenError::WrongCredentials) if restore => {
            progress(1);
            let identity = Identity::derive(nickname, password, ground.costs.account)?;
            progress(2);
            let vault = make_container(ground, nickname, password, &identity)?;
            Ok((vault, Origin::Restored))
        }
        Ok(half) if !records::is_begun(&half)? => {
            // An import that was cut short: there is no account here.
            half.lock();
            Vault::destroy(dir, nickname.canonical(), secret, cost, &mut os_rng())?;
            Err(Error::new(ErrorCode::WrongCredentials, "wrong nickname or password"))
        }
        // Whether it was created or restored stands in it.
        opened => {
            let vault = opened?;
            records::settle_archive_key(&vault, |key| Ok(key.is_of(nickname.canonical(), secret, cost)?))?;
            Ok((vault, Origin::Created))
        }
    }
}

/// Where containers are made, and at what cost.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) dir: PathBuf,
    pub(crate) costs: Costs,
}

fn refuse_weak(nickname: &Nickname, password: &Password) -> Result<(), Error> {
    if strength(nickname.as_typed(), password.dangerously_expose()).acceptable {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::WeakPassword,
        "this password could be guessed: take a longer one, or a suggested one",
    ))
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
    let cost = ground.costs.container;
    let archives = ArchiveKey::derive(nickname.canonical(), secret, cost, &mut os_rng())?;
    records::begin(&vault, identity, &profile, &archives)?;
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
