//! Layers: what each hop does to each cell.
//!
//! Counter Galois Onion (Degabriele, Melloni, Münch, Stam, [eprint 2025/583](https://eprint.iacr.org/2025/583); Tor's
//! proposal 359) over [`WideBlock`]. Each end of a layer holds, for each direction, a key, a *nonce* (the tag that the next
//! cell between these two will show) and the *chain* (the tag that the last cell of this direction showed between this
//! layer and the one outside it). The chain is the tweak: a cell that was changed, dropped, repeated or moved makes noise of
//! itself and of all after it. With each cell between the two ends of a layer its key and nonce are replaced.

use crate::{BadCommand, Cell, Command, HopSecrets, handshake::DirectionSecrets};
use outis_crypto::wide_block::{TAG, Tag, WideBlock, is_same_tag};

/// A relay's layer of one circuit.
pub struct RelayLayers {
    forward: Layer,
    backward: Layer,
}

/// A cell from the client's side, at a relay.
#[derive(Debug)]
pub enum Forward {
    /// For this relay.
    Mine(Command),
    /// For whoever is next. If nobody is, nobody recognises it, and the circuit has to end.
    NotMine(Cell),
}

impl RelayLayers {
    /// With what the handshake gave.
    pub fn new(secrets: HopSecrets) -> Self {
        let HopSecrets { forward, backward } = secrets;
        Self {
            forward: Layer::new(&forward),
            backward: Layer::new(&backward),
        }
    }

    /// Takes this layer off a cell that came from the client's side.
    ///
    /// # Errors
    /// [`BadCommand`] ends the circuit: the cell was this relay's, and means nothing.
    pub fn forward(&mut self, mut cell: Cell) -> Result<Forward, BadCommand> {
        let Layer { cipher, nonce, chain } = &mut self.forward;
        cipher.encrypt(chain, cell.block());
        *chain = *cell.tag();
        if !is_same_tag(cell.tag(), nonce) {
            return Ok(Forward::NotMine(cell));
        }
        cipher.update(nonce);
        Command::from_cell(cell).map(Forward::Mine)
    }

    /// Puts this layer around a cell that came from the next hop.
    #[must_use]
    pub fn backward(&mut self, mut cell: Cell) -> Cell {
        let Layer {
            cipher,
            nonce: _,
            chain,
        } = &mut self.backward;
        cipher.encrypt(chain, cell.block());
        *chain = *cell.tag();
        cell
    }

    /// A cell of this relay's own, for the client.
    #[must_use]
    pub fn originate(&mut self, command: Command) -> Cell {
        let mut cell = command.into_cell();
        cell.set_tag(&self.backward.nonce);
        let cell = self.backward(cell);
        let Layer { cipher, nonce, chain } = &mut self.backward;
        *nonce = *chain;
        cipher.update(nonce);
        cell
    }
}

/// A client's layers of one circuit: one for each hop, from the guard on.
#[derive(Default)]
pub struct ClientLayers(Vec<RelayLayers>);

impl ClientLayers {
    /// Before the first hop.
    pub fn new() -> Self {
        Self::default()
    }

    /// One hop more, at the far end.
    pub fn push(&mut self, secrets: HopSecrets) {
        self.0.push(RelayLayers::new(secrets));
    }

    /// How many hops there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no hop yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A cell for the hop with this number, counted from 0 at the guard; `None` if there is none.
    pub fn seal(&mut self, hop: usize, command: Command) -> Option<Cell> {
        let (last, before) = self.0.get_mut(..=hop)?.split_last_mut()?;
        let mut cell = command.into_cell();
        let Layer { cipher, nonce, chain } = &mut last.forward;
        cell.set_tag(nonce);
        cipher.decrypt(chain, cell.block());
        *chain = *nonce;
        cipher.update(nonce);
        for layers in before.iter_mut().rev() {
            let Layer {
                cipher,
                nonce: _,
                chain,
            } = &mut layers.forward;
            let shown = *cell.tag();
            cipher.decrypt(chain, cell.block());
            *chain = shown;
        }
        Some(cell)
    }

    /// Takes layers off a cell until one is the last: whose it is, and what it says.
    ///
    /// # Errors
    /// [`Broken`] ends the circuit: no hop made this cell, or not as it is, or not here.
    pub fn open(&mut self, mut cell: Cell) -> Result<(usize, Command), Broken> {
        for (hop, layers) in self.0.iter_mut().enumerate() {
            let Layer { cipher, nonce, chain } = &mut layers.backward;
            let shown = *cell.tag();
            cipher.decrypt(chain, cell.block());
            *chain = shown;
            if is_same_tag(cell.tag(), nonce) {
                *nonce = shown;
                cipher.update(nonce);
                return Ok((hop, Command::from_cell(cell).map_err(|_| Broken)?));
            }
        }
        Err(Broken)
    }
}

/// A cell that no hop of the circuit made. Nothing on this circuit will be readable again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cell that no hop of this circuit made")]
pub struct Broken;

/// One direction of a layer, at one of its ends.
struct Layer {
    cipher: WideBlock,
    nonce: Tag,
    chain: Tag,
}

impl Layer {
    fn new(secrets: &DirectionSecrets) -> Self {
        let DirectionSecrets { key, nonce } = secrets;
        Self {
            cipher: WideBlock::new(key),
            nonce: *nonce.dangerously_expose(),
            chain: [0; TAG],
        }
    }
}

#[cfg(test)]
mod tests;
