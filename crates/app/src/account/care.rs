//! `account.*`: what one does with an account now and then.

use super::refuse_weak;
use crate::{App, Error, ErrorCode, dto::*, records};
use outis_crypto::os_rng;
use outis_identity::{Nickname, Password};
use outis_vault::{ArchiveKey, Vault};
use std::sync::Arc;

impl App {
    /// Somebody is there: the account does not lock itself yet.
    pub async fn account_touch(&self, _: Nothing) -> Result<Nothing, Error> {
        self.somebody_is_there();
        Ok(Nothing {})
    }

    /// Changes what opens this machine's container. The account stays made from its first password.
    pub async fn account_change_password(&self, params: ChangePassword) -> Result<Nothing, Error> {
        let open = self.unlocked()?;
        let nickname = Nickname::parse(&open.profile.nickname)?;
        let next = Password::parse(params.new.dangerously_expose())?;
        refuse_weak(&nickname, &next)?;
        let old = Password::parse(params.old.dangerously_expose()).map_err(|_| wrong_password())?;
        let _changing = self.inner.changing.lock().await;
        let vault = Arc::clone(&open.vault);
        let changing = self.in_steps("account.change_password", open.ground.clone(), 1, move |ground, _| {
            let (old, next) = (old.dangerously_expose(), next.dangerously_expose());
            let cost = ground.costs.container;
            let archives = ArchiveKey::derive(nickname.canonical(), next.as_bytes(), cost, &mut os_rng())?;
            // Both until one of the passwords is known to hold.
            records::add_archive_key(&vault, &archives)?;
            let nickname = nickname.canonical();
            let changed = vault.change_password(nickname, old.as_bytes(), next.as_bytes(), cost, &mut os_rng());
            let holds = if changed.is_ok() { next } else { old };
            records::settle_archive_key(&vault, |key| Ok(key.is_of(nickname, holds.as_bytes(), cost)?))?;
            changed?;
            Ok(Nothing {})
        });
        changing.await
    }

    /// Removes this machine's container, for good.
    pub async fn account_delete(&self, params: DeleteAccount) -> Result<Nothing, Error> {
        let _changing = self.inner.changing.lock().await;
        let open = self.unlocked()?;
        let nickname = Nickname::parse(&open.profile.nickname)?;
        let password = Password::parse(params.password.dangerously_expose()).map_err(|_| wrong_password())?;
        let vault = Arc::clone(&open.vault);
        let checking = self.in_steps("account.delete", open.ground.clone(), 2, move |ground, _| {
            let secret = password.dangerously_expose().as_bytes();
            if !vault.is_opened_by(nickname.canonical(), secret, ground.costs.container)? {
                return Err(wrong_password());
            }
            Ok((nickname, password))
        });
        let (nickname, password) = checking.await?;
        let is_sandbox = self.is_sandbox().await;
        self.close().await;
        if is_sandbox {
            // It went with its folder.
            return Ok(Nothing {});
        }
        let destroying = self.in_steps("account.delete", open.ground.clone(), 2, move |ground, _| {
            let secret = password.dangerously_expose().as_bytes();
            let cost = ground.costs.container;
            Vault::destroy(&ground.dir, nickname.canonical(), secret, cost, &mut os_rng())?;
            Ok(Nothing {})
        });
        destroying.await
    }
}

fn wrong_password() -> Error {
    Error::new(ErrorCode::WrongCredentials, "this is not the password of this account")
}

#[cfg(test)]
mod tests;
