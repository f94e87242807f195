//! A small network in this process: for the window's *Try it here* and for `outis demo`.
//!
//! Its relays and accounts are the ordinary ones. Only the key derivation is cheap, since its accounts live as long as the
//! process and their passphrases are never anybody's, and the name of its network keeps it apart from all others.

use crate::{
    App, Config, Error, Relay, RelayConfig,
    account::{Ground, make_container},
    dto::{Account, AddContact, Nothing},
    echo::Echo,
    unlocked::{Place, Unlocked},
};
use outis_crypto::os_rng;
use outis_identity::{Identity, Nickname, Password, suggest_passphrase};
use outis_messenger::Origin;
use std::path::Path;
use tempfile::TempDir;

/// A network of relays on loopback, gone when stopped.
pub struct Sandbox {
    relays: Vec<Relay>,
    addresses: Vec<String>,
    folder: TempDir,
}

/// Names that begin with `test` ask for next to no work.
const NETWORK: &str = "test-sandbox";

/// Fewer are too few for three mailboxes and a choice.
const RELAYS: usize = 6;

impl Sandbox {
    /// Starts so many relays that know each other.
    ///
    /// # Errors
    /// If one of them cannot be started.
    pub async fn start(relays: usize) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("outis-sandbox-")
            .tempdir()
            .map_err(Error::internal)?;
        let mut sandbox = Self {
            relays: Vec::new(),
            addresses: Vec::new(),
            folder,
        };
        for number in 0..relays {
            let dir = sandbox.folder.path().join(format!("relay-{number}"));
            let config = RelayConfig::listening(&["/ip4/127.0.0.1/udp/0/quic-v1".to_owned()])?;
            let first = sandbox.addresses.get(..1).unwrap_or_default();
            let relay = Relay::start(&dir, NETWORK, first, config).await?;
            sandbox.addresses.extend(relay.addresses());
            sandbox.relays.push(relay);
        }
        Ok(sandbox)
    }

    /// How many relays there are.
    pub fn relays(&self) -> usize {
        self.relays.len()
    }

    /// A folder that is gone with the sandbox.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody's program, which knows one of the relays.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn app(&self, name: &str) -> Result<App, Error> {
        App::start(self.config(name)?.dangerously_cheap()).await
    }

    /// Ends all relays and deletes everything.
    pub async fn stop(self) {
        futures::future::join_all(self.relays.iter().map(Relay::shutdown)).await;
        // What cannot be deleted now lies in the system's temporary folder.
        let _ = self.folder.close();
    }

    fn config(&self, name: &str) -> Result<Config, Error> {
        let first = self.addresses.get(..1).unwrap_or_default();
        Config::new(self.folder.path().join(name), NETWORK, first)
    }
}

/// What *Try it here* runs beside the person's account.
pub(crate) struct Playground {
    sandbox: Sandbox,
    echo: Echo,
}

impl Playground {
    pub(crate) async fn stop(self) {
        self.echo.stop().await;
        self.sandbox.stop().await;
    }
}

impl App {
    /// Starts a sandbox: a few relays, an account, and a contact that answers. All of it is gone when it is locked.
    pub async fn sandbox_start(&self, _: Nothing) -> Result<Account, Error> {
        let _changing = self.inner.changing.lock().await;
        self.nothing_open()?;
        let sandbox = Sandbox::start(RELAYS).await?;
        let echo = Echo::start(sandbox.app("echo").await?).await?;
        let config = sandbox.config("you")?.dangerously_cheap();
        let ground = Ground {
            dir: config.data_dir.join("accounts"),
            costs: config.costs,
        };
        let place = ground.clone();
        let vault = tokio::task::spawn_blocking(move || {
            let nickname = Nickname::parse("You")?;
            let password = Password::parse(suggest_passphrase(&mut os_rng()).dangerously_expose())?;
            let identity = Identity::derive(&nickname, &password, place.costs.account)?;
            make_container(&place, &nickname, &password, &identity)
        })
        .await
        .map_err(Error::internal)??;
        let place = Place {
            network: &config.network,
            bootstrap: config.bootstrap.clone(),
            relay: None,
            outlet: &self.inner.outlet,
            ground,
        };
        let open = Unlocked::start(vault, Origin::Created, place)?;
        let account = open.account();
        let contact = echo.address().to_owned();
        self.put(open, Some(Playground { sandbox, echo }));
        self.contact_add(AddContact {
            address: contact,
            // Who has only just begun meets a name, not an address.
            alias: Some("Echo".to_owned()),
            greeting: None,
        })
        .await?;
        Ok(account)
    }

    /// Ends the sandbox.
    pub async fn sandbox_stop(&self, params: Nothing) -> Result<Nothing, Error> {
        self.account_lock(params).await
    }
}
