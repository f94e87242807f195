//! `network.*`

use crate::{App, Error, config::peer_address, dto::*};

impl App {
    /// How we are connected.
    pub async fn network_status(&self, _: Nothing) -> Result<NetworkStatus, Error> {
        Ok(match self.try_unlocked() {
            Some(open) => open.status(),
            None => NetworkStatus {
                online: false,
                node_id: String::new(),
                peers: 0,
                relays_known: 0,
                too_few_relays: true,
                mailboxes: Vec::new(),
                circuits: Vec::new(),
                guards: Vec::new(),
                relay: self.inner.relay.as_ref().map(crate::Relay::shown).unwrap_or_default(),
                bytes_in: 0,
                bytes_out: 0,
            },
        })
    }

    /// Learns where a relay is.
    pub async fn network_add_peer(&self, params: AddPeer) -> Result<Nothing, Error> {
        let peer = peer_address(&params.address)?;
        self.unlocked()?.network.add_peer(peer);
        Ok(Nothing {})
    }
}
