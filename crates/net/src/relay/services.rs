//! What a relay does at the end of a circuit.

use super::directory::Asker;
use crate::circuit::{Flow, Near};
use outis_onion::Refusal;
use outis_wire::Service;
use tokio::sync::mpsc;

/// Where streams to a relay's services go. Clones lead to the same.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) mailboxes: mpsc::Sender<Near>,
    pub(super) directories: mpsc::Sender<(Near, Asker)>,
    pub(super) meetings: mpsc::Sender<Near>,
}

impl Services {
    /// A stream to one of them, unless it is too busy.
    pub(super) fn begin(&self, service: Service, asker: Asker) -> Result<Flow, Refusal> {
        let (near, flow) = Flow::new();
        let taken = match service {
            Service::Mailbox => self.mailboxes.try_send(near).is_ok(),
            Service::Directory => self.directories.try_send((near, asker)).is_ok(),
            Service::Rendezvous => self.meetings.try_send(near).is_ok(),
        };
        if taken { Ok(flow) } else { Err(Refusal::Busy) }
    }
}
