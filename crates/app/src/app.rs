//! One person at one machine.

use crate::{
    Config, Error, ErrorCode, Events, Relay, events::Outlet, idle::Idle, memory, records, sandbox::Playground,
    unlocked::Unlocked,
};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everything that a face can ask. Clones are handles to the same.
///
/// The methods named as those of the headless interface do what `docs/protocol/rpc.md` says. Dropping the future of one
/// gives its answer up; what it had begun to store is stored or not, as a whole.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) outlet: Outlet,
    pub(crate) relay: Option<Relay>,
    /// Whether somebody is there.
    pub(crate) idle: Idle,
    /// Held while an account is being opened or closed, so that two of these never overlap.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Held while a picture is decoded: each may take a hundred megabytes.
    pub(crate) pictures: Arc<tokio::sync::Mutex<()>>,
    desk: Mutex<Desk>,
}

/// What lies open.
#[derive(Default)]
struct Desk {
    unlocked: Option<Arc<Unlocked>>,
    /// The small network that an account of *Try it here* lives on.
    playground: Option<Playground>,
}

impl App {
    /// Starts with every account locked. Runs a relay if the configuration says so.
    ///
    /// # Errors
    /// If the relay cannot be started.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let relay = match &config.relay {
            Some(relay) => Some(Relay::start_configured(&config, relay).await?),
            None => None,
        };
        let inner = Inner {
            config,
            outlet: Outlet::new(),
            relay,
            idle: Idle::new(),
            changing: Default::default(),
            pictures: Arc::default(),
            desk: Mutex::default(),
        };
        let inner = Arc::new(inner);
        tokio::spawn(inner.idle.watch(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// Events from now on.
    pub fn events(&self) -> Events {
        self.inner.outlet.listen()
    }

    /// Locks the account, stops the relay and leaves the network.
    pub async fn shutdown(&self) {
        let _changing = self.inner.changing.lock().await;
        self.close().await;
        if let Some(relay) = &self.inner.relay {
            relay.shutdown().await;
        }
    }

    /// Whether everything here is gone on exit.
    pub async fn is_sandbox(&self) -> bool {
        self.desk().playground.is_some()
    }

    /// The account that is unlocked.
    pub(crate) fn unlocked(&self) -> Result<Arc<Unlocked>, Error> {
        self.try_unlocked()
            .ok_or_else(|| Error::new(ErrorCode::Locked, "no account is unlocked"))
    }

    pub(crate) fn try_unlocked(&self) -> Option<Arc<Unlocked>> {
        self.desk().unlocked.clone()
    }

    /// Puts an account on the desk, which has to be empty.
    pub(crate) fn put(&self, unlocked: Arc<Unlocked>, playground: Option<Playground>) {
        let settings = records::settings(&unlocked.vault).unwrap_or_default();
        self.inner.idle.lock_after(settings.lock_after);
        *self.desk() = Desk {
            unlocked: Some(unlocked),
            playground,
        };
    }

    /// Clears the desk: keys are wiped, the network is left, a sandbox is gone. Boxed, since a sandbox holds apps that are
    /// closed in turn.
    pub(crate) fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.inner.idle.lock_after(None);
            let Desk { unlocked, playground } = std::mem::take(&mut *self.desk());
            if let Some(unlocked) = unlocked {
                unlocked.close().await;
            }
            if let Some(playground) = playground {
                playground.stop().await;
            }
            memory::wipe_stacks().await;
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.inner.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
