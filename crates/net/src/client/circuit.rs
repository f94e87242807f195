//! A circuit as its owner has it: built hop by hop, then lent to one stream after the other.
//!
//! Each circuit is a task. It always reads, so that a stream whose user stalls holds up no other one on the connection
//! with the guard. It ends when a relay on it does, when it is too old, or when nobody holds its `Orders` any more.

use super::opener::Opener;
use crate::{
    circuit::{Flow, Link, Near, Say, flow::Violation},
    streams::{self, OpenFailure},
};
use outis_crypto::os_rng;
use outis_onion::{
    Broken, Cell, ClientLayers, Command, Create, Created, Extend, Pending, RelayDescriptor, SignedDescriptor, begin,
};
use outis_wire::{NetworkName, Service};
use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time;

/// A relay that a circuit goes over, with its own word for where it is and what is said to it.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) signed: SignedDescriptor,
    pub(super) descriptor: RelayDescriptor,
}

/// A circuit that nobody uses yet, or no more.
pub(super) struct Circuit {
    link: Link<streams::Stream>,
    layers: ClientLayers,
    network: NetworkName,
}

/// Why there is no circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BuildError {
    /// There is no connection to spare, or the network is being left.
    #[error("nothing can be opened")]
    Ours,
    /// A relay could not be reached, or did not answer as it should.
    #[error("a relay does not answer")]
    Silent,
    /// The circuit broke somewhere.
    #[error("the circuit broke")]
    Broken,
}

impl From<io::Error> for BuildError {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

impl From<Broken> for BuildError {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

/// How a stream over a circuit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// Both sides have said all: there may be another stream.
    Over,
    /// Its user has gone and the other side was told; its last words are still to come.
    Left,
}

impl Circuit {
    /// Builds one over these relays, the first of which is dialled if need be. An error says how many of them were reached.
    /// Safe to drop.
    pub(super) async fn build(opener: &Opener, path: &[Hop]) -> Result<Self, (usize, BuildError)> {
        let Some((guard, others)) = path.split_first() else {
            return Err((0, BuildError::Broken));
        };
        let network = opener.shared.network.clone();
        let stream = opener.guard(&guard.descriptor).await.map_err(|failure| match failure {
            OpenFailure::Busy | OpenFailure::Closed => (0, BuildError::Ours),
            _ => (0, BuildError::Silent),
        })?;
        let mut circuit = Self {
            link: Link::new(stream),
            layers: ClientLayers::new(),
            network,
        };
        let answer = time::timeout(ANSWERING, circuit.create(&guard.descriptor)).await;
        answer.unwrap_or(Err(BuildError::Silent)).map_err(|error| (0, error))?;
        for (reached, hop) in (1..).zip(others) {
            circuit.extend(hop).await.map_err(|error| (reached, error))?;
        }
        Ok(circuit)
    }

    async fn create(&mut self, guard: &RelayDescriptor) -> Result<(), BuildError> {
        let (pending, create) = self.begin(guard);
        self.link.send(create.to_cell()).await?;
        let created = Created::from_cell(&self.link.receive().await?).ok();
        self.agree(pending, created)
    }

    /// Lengthens it by one relay.
    pub(super) async fn extend(&mut self, hop: &Hop) -> Result<(), BuildError> {
        time::timeout(EXTENDING, self.ask_to_extend(hop))
            .await
            .unwrap_or(Err(BuildError::Silent))
    }

    async fn ask_to_extend(&mut self, hop: &Hop) -> Result<(), BuildError> {
        let (pending, create) = self.begin(&hop.descriptor);
        let extend = Extend {
            descriptor: hop.signed.clone(),
            create,
        };
        let last = self.last();
        let cell = self.seal(Command::Extend(Box::new(extend)))?;
        self.link.send(cell).await?;
        loop {
            let cell = self.link.receive().await?;
            match self.layers.open(cell)? {
                (_, Command::Padding) => {}
                (from, Command::Extended(created)) if from == last => {
                    return self.agree(pending, Some(*created));
                }
                (from, Command::Refused(_)) if from == last => return Err(BuildError::Silent),
                _ => return Err(BuildError::Broken),
            }
        }
    }

    fn begin(&self, relay: &RelayDescriptor) -> (Pending, Create) {
        begin(&self.network, relay, &mut os_rng())
    }

    fn agree(&mut self, pending: Pending, created: Option<Created>) -> Result<(), BuildError> {
        let created = created.ok_or(BuildError::Silent)?;
        let secrets = pending.finish(&created).map_err(|_| BuildError::Silent)?;
        self.layers.push(secrets);
        Ok(())
    }

    /// Returns when it has broken. Safe to drop.
    pub(super) async fn broken(&mut self) -> BuildError {
        loop {
            let said = match self.link.receive().await {
                Ok(cell) => self.layers.open(cell),
                Err(error) => return error.into(),
            };
            // Credit may have been on its way when the last stream ended.
            if !matches!(said, Ok((_, Command::Padding | Command::Credit(_)))) {
                return BuildError::Broken;
            }
        }
    }

    /// Asks its last relay for a stream to a service. What is written meanwhile follows at once.
    pub(super) fn ask(&mut self, service: Service) -> Result<(Near, Talk), BuildError> {
        let cell = self.seal(Command::Begin(service))?;
        self.link.push(cell);
        let (near, flow) = Flow::new();
        Ok((near, Talk { flow, connected: false }))
    }

    /// Carries a stream until it is over or left. Safe to drop, and to call again.
    pub(super) async fn carry(&mut self, talk: &mut Talk) -> Result<Carried, BuildError> {
        poll_fn(|cx| {
            ready!(self.poll_carry(talk, cx))?;
            if talk.flow.is_over() {
                Poll::Ready(Ok(Carried::Over))
            } else if talk.flow.is_left() {
                Poll::Ready(Ok(Carried::Left))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Carries a stream until it is over. Safe to drop.
    pub(super) async fn finish(&mut self, talk: &mut Talk) -> Result<(), BuildError> {
        poll_fn(|cx| {
            ready!(self.poll_carry(talk, cx))?;
            if talk.flow.is_over() {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Moves what can be moved. Ready when all that was said is on its way.
    fn poll_carry(&mut self, talk: &mut Talk, cx: &mut Context<'_>) -> Poll<Result<(), BuildError>> {
        let mut turns = 0;
        while turns < AT_ONCE && self.step(talk, cx)? {
            turns += 1;
        }
        if turns == AT_ONCE {
            cx.waker().wake_by_ref();
        }
        ready!(self.link.poll_send(cx));
        Poll::Ready(Ok(()))
    }

    /// One cell in each direction. Says whether there was any.
    fn step(&mut self, talk: &mut Talk, cx: &mut Context<'_>) -> Result<bool, BuildError> {
        let mut moved = false;
        if let Poll::Ready(cell) = self.link.poll_cell(cx)? {
            let (from, command) = self.layers.open(cell.ok_or(BuildError::Broken)?)?;
            if from != self.last() {
                return Err(BuildError::Broken);
            }
            talk.hear(command)?;
            moved = true;
        }
        if self.link.waiting() >= FEW {
            let _ = self.link.poll_send(cx);
        }
        if self.link.waiting() < FEW
            && let Poll::Ready(say) = talk.flow.poll_say(cx)
        {
            let command = match say {
                Say::Credit(cells) => Command::Credit(cells),
                Say::Data(bytes) => Command::Data(bytes),
                Say::End => Command::End,
            };
            let cell = self.seal(command)?;
            self.link.push(cell);
            moved = true;
        }
        Ok(moved)
    }

    /// Writes what is left and closes it.
    pub(super) async fn close(self) {
        // Whether it was heard makes no difference.
        let _ = time::timeout(GOODBYE, self.link.close()).await;
    }

    fn seal(&mut self, command: Command) -> Result<Cell, BuildError> {
        self.layers.seal(self.last(), command).ok_or(BuildError::Broken)
    }

    fn last(&self) -> usize {
        self.layers.len().saturating_sub(1)
    }
}

/// One stream over a circuit.
pub(super) struct Talk {
    flow: Flow,
    /// Until the endpoint has said so, what comes belongs to the stream before.
    connected: bool,
}

impl Talk {
    fn hear(&mut self, command: Command) -> Result<(), BuildError> {
        match (command, self.connected) {
            (Command::Padding, _) | (Command::Credit(_), false) => return Ok(()),
            (Command::Connected, false) => {
                self.connected = true;
                Ok(())
            }
            (Command::Data(bytes), true) => self.flow.hear_data(bytes),
            (Command::Credit(cells), true) => self.flow.hear_credit(cells),
            (Command::End, true) => self.flow.hear_end(),
            _ => Err(Violation),
        }
        .map_err(|_: Violation| BuildError::Broken)
    }
}

/// Cells of ours that wait to be written, two frames of Yamux all but filled: credit is never behind more data than this.
const FEW: usize = 7;

/// Cells moved before other tasks have their turn.
const AT_ONCE: u32 = 14;

/// For the guard to answer, once it is connected.
const ANSWERING: Duration = Duration::from_secs(10);

/// For a relay to reach the next one and for that one to answer.
const EXTENDING: Duration = Duration::from_secs(15);

/// For what is left to be written when a circuit ends.
const GOODBYE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
