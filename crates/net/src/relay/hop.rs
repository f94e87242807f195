//! Takes part in other people's circuits.

use super::{
    circuit::{Ahead, Circuit, Extender},
    circuits::Circuits,
    directory::Asker,
    rates::{Neighbour, Rates},
    services::Services,
    shared::{Shared, lock},
    throttle::Throttle,
};
use crate::{
    circuit::Link,
    streams::{Remote, Stream},
};
use outis_crypto::os_rng;
use outis_onion::{Cell, Create, Created, HopSecrets, RelayLayers, ReplayFilter, answer};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{self, Instant};

/// Answers whoever wants this relay in a circuit. Clones are the same.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) shared: Arc<Shared>,
    pub(super) circuits: Circuits,
    pub(super) extender: Extender,
    pub(super) services: Services,
    pub(super) throttle: Arc<Throttle>,
    pub(super) replays: Arc<Mutex<ReplayFilter>>,
    /// How fast each neighbour may begin circuits: an answer costs a fifth of a millisecond.
    pub(super) rates: Arc<Mutex<Rates>>,
}

impl Hop {
    /// Serves one stream to its end. Dropping it ends the circuit.
    pub(super) async fn serve(self, stream: Stream) {
        let Remote { peer, address } = stream.remote();
        let neighbour = Neighbour::of(*peer, address);
        if !lock(&self.rates).take(neighbour, 1, Instant::now()) {
            return;
        }
        let Some(mut place) = self.circuits.enter(neighbour) else {
            return;
        };
        let mut link = Link::new(stream);
        let first = tokio::select! {
            biased;
            () = place.condemned() => return,
            first = time::timeout(CREATING, link.receive()) => first,
        };
        let Ok(Ok(first)) = first else { return };
        let Some((secrets, created)) = self.answer(&first) else {
            return;
        };
        link.push(created.to_cell());
        let circuit = Circuit {
            place,
            asker: Asker::through(neighbour),
            extender: self.extender,
            services: self.services,
            back: link,
            layers: RelayLayers::new(secrets),
            ahead: Ahead::Nothing,
            throttle: self.throttle,
            rest: None,
        };
        circuit.run().await;
    }

    fn answer(&self, first: &Cell) -> Option<(HopSecrets, Created)> {
        let create = Create::from_cell(first).ok()?;
        let Shared { network, node, .. } = &*self.shared;
        let identity = lock(&self.shared.identity);
        let mut replays = lock(&self.replays);
        answer(network, *node, &identity.onion, &create, &mut replays, &mut os_rng()).ok()
    }
}

/// For a stream to say what it wants.
const CREATING: Duration = Duration::from_secs(10);
