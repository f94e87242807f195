//! The task of one circuit.

use super::{
    Shared,
    circuit::{BuildError, Carried, Circuit, Talk},
    paths::End,
    pool::{Entry, Order, Orders, Refused, Way},
};
use crate::random;
use futures::channel::oneshot;
use outis_onion::Path;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{self, Instant},
};

/// Lets a circuit that was built wait for orders, in a task of its own.
pub(super) fn start(circuit: Circuit, path: Option<Path>, entry: Entry, shared: &Arc<Shared>) -> Orders {
    let (sender, receiver) = mpsc::channel(1);
    let driver = Driver {
        circuit,
        path,
        entry,
        shared: Arc::downgrade(shared),
    };
    tokio::spawn(driver.run(receiver));
    Orders { sender, path }
}

struct Driver {
    circuit: Circuit,
    path: Option<Path>,
    entry: Entry,
    /// None once the network was left.
    shared: Weak<Shared>,
}

impl Driver {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut rest = random::between(SPARE_SHORTEST, SPARE_LONGEST);
        loop {
            let order = tokio::select! {
                biased;
                order = orders.recv() => order,
                _ = self.circuit.broken() => return,
                () = time::sleep(rest) => None,
            };
            let Some(order) = order else { break };
            let (way, began) = (order.way, Instant::now());
            let served = self.serve(order).await;
            let end = match served {
                Err(_) if began.elapsed() < SOON => End::Broken,
                _ => End::Worked,
            };
            if let Some(shared) = self.shared.upgrade() {
                shared.ended(&way, end);
            }
            match served {
                Ok(After::Free) if way.comes_again() => orders = self.park(way),
                Ok(_) => break,
                Err(_) => return,
            }
            rest = PARKED;
        }
        let Self { circuit, .. } = self;
        circuit.close().await;
    }

    /// One stream, from being asked for to its end.
    async fn serve(&mut self, Order { way, extend, reply }: Order) -> Result<After, BuildError> {
        self.entry.used(way.purpose);
        if let Some(hop) = extend
            && let Err(error) = self.circuit.extend(&hop).await
        {
            let by_endpoint = error == BuildError::Silent;
            // Nobody waits any more if this fails.
            let _ = reply.send(Err(Refused { by_endpoint }));
            return Err(error);
        }
        let mut talk = self.talk(way, reply)?;
        match self.circuit.carry(&mut talk).await? {
            Carried::Over => Ok(After::Free),
            // What is not used again is not worth waiting for.
            Carried::Left if !way.comes_again() => Ok(After::Spent),
            Carried::Left => self.last_words(&mut talk).await,
        }
    }

    fn talk(
        &mut self,
        way: Way,
        reply: oneshot::Sender<Result<crate::circuit::Near, Refused>>,
    ) -> Result<Talk, BuildError> {
        let (near, talk) = self.circuit.ask(way.to.service)?;
        // Nobody waits any more if this fails; dropping its end then ends the stream.
        let _ = reply.send(Ok(near));
        Ok(talk)
    }

    /// Its user has gone; the relay at the end still has to say that it is done.
    async fn last_words(&mut self, talk: &mut Talk) -> Result<After, BuildError> {
        match time::timeout(LAST_WORDS, self.circuit.finish(talk)).await {
            Ok(over) => over.map(|()| After::Free),
            Err(_) => Ok(After::Spent),
        }
    }

    fn park(&self, way: Way) -> mpsc::Receiver<Order> {
        let (sender, receiver) = mpsc::channel(1);
        let orders = Orders {
            sender,
            path: self.path,
        };
        if let Some(shared) = self.shared.upgrade() {
            shared.pool.park(way, orders);
        }
        receiver
    }
}

/// What is left of a circuit when a stream over it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// It may carry another one.
    Free,
    /// Nothing.
    Spent,
}

/// An unused circuit is replaced after a time between these, so that not all are built at once.
const SPARE_SHORTEST: Duration = Duration::from_secs(20 * 60);
const SPARE_LONGEST: Duration = Duration::from_secs(60 * 60);

/// A circuit that breaks before that counts against its way. Whoever breaks them later gains little: so many are rationed.
const SOON: Duration = Duration::from_secs(2 * 60);

/// For another stream of the same way to come.
const PARKED: Duration = Duration::from_secs(10 * 60);

/// For the relay at the end to say that it is done too.
const LAST_WORDS: Duration = Duration::from_secs(10);
