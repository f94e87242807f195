use super::Cell;
use crate::{Create, Created, SignedDescriptor};
use outis_crypto::wide_block::TAG;
use outis_wire::{Reader, Service};
use std::fmt;

/// What the two ends of a layer say to each other. Whoever passes the cell on cannot tell one from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// To the last hop: extend the circuit by one.
    Extend(Box<Extend>),
    /// From there: the next hop's answer.
    Extended(Box<Created>),
    /// To the endpoint: join the circuit with this service of yours.
    Begin(Service),
    /// From there: it is joined, and data may flow.
    Connected,
    /// The answer to [`Command::Extend`] or [`Command::Begin`] when nothing comes of it.
    Refused(Refusal),
    /// Bytes of the stream.
    Data(Payload),
    /// So many cells of data more may come; never 0.
    Credit(u16),
    /// Nothing; to be dropped.
    Padding,
    /// No more data comes from this side.
    End,
}

/// By whom the circuit goes on. The hop that is told knows nothing of the one named before, hence its whole descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extend {
    /// Where it is, signed by itself.
    pub descriptor: SignedDescriptor,
    /// What to show it.
    pub create: Create,
}

/// Why a hop did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It does not believe the next hop's descriptor.
    Descriptor,
    /// The next hop cannot be reached.
    Unreachable,
    /// The next hop was reached and hung up.
    HungUp,
    /// It has as many circuits as it carries.
    Busy,
    /// It does not have that service.
    NoService,
}

/// Up to [`Payload::MAX`] bytes of a stream, in the cell that they came in.
#[derive(Clone)]
pub struct Payload {
    cell: Cell,
    length: u16,
}

impl Payload {
    /// The most that one cell carries.
    pub const MAX: usize = Cell::BODY;

    /// As many bytes of `bytes` as one cell takes, from the first.
    pub fn first_of(bytes: &[u8]) -> Self {
        let body = bytes.get(..Self::MAX).unwrap_or(bytes);
        let mut cell = Cell::zeroed();
        let length = write(&mut cell, Kind::Data, &[body]);
        Self { cell, length }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        let (_, rest) = self.cell.as_bytes().split_at(HEAD);
        rest.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl PartialEq for Payload {
    /// Of the bytes, whatever tag the cell bears.
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell: _, length } = self;
        write!(f, "Payload({length} bytes)")
    }
}

impl Command {
    /// Into a cell, whose tag is still to be set.
    pub(crate) fn into_cell(self) -> Cell {
        let mut cell = Cell::zeroed();
        match self {
            Self::Data(payload) => return payload.cell,
            Self::Extend(extend) => {
                let descriptor = extend.descriptor.to_bytes();
                write(&mut cell, Kind::Extend, &[extend.create.as_bytes(), &descriptor])
            }
            Self::Extended(created) => write(&mut cell, Kind::Extended, &[created.as_bytes()]),
            Self::Begin(service) => write(&mut cell, Kind::Begin, &[&[service_code(service)]]),
            Self::Connected => write(&mut cell, Kind::Connected, &[]),
            Self::Refused(refusal) => write(&mut cell, Kind::Refused, &[&[refusal.code()]]),
            Self::Credit(cells) => write(&mut cell, Kind::Credit, &[&cells.to_be_bytes()]),
            Self::Padding => write(&mut cell, Kind::Padding, &[]),
            Self::End => write(&mut cell, Kind::End, &[]),
        };
        cell
    }

    /// Reads what the other end of this layer wrote.
    pub(crate) fn from_cell(cell: Cell) -> Result<Self, BadCommand> {
        let mut reader = Reader::new(cell.as_bytes());
        let truncated = |_| BadCommand;
        reader.bytes(TAG).map_err(truncated)?;
        let kind = Kind::from_code(reader.u8().map_err(truncated)?)?;
        let length = reader.u16().map_err(truncated)?;
        let body = reader.bytes(usize::from(length)).map_err(truncated)?;
        if reader.rest().iter().any(|byte| *byte != 0) {
            return Err(BadCommand);
        }
        let nothing = |command| if body.is_empty() { Ok(command) } else { Err(BadCommand) };
        match kind {
            Kind::Extend => {
                let (create, descriptor) = body.split_at_checked(Create::BYTES).ok_or(BadCommand)?;
                let create = Create::from_bytes(create).map_err(|_| BadCommand)?;
                let descriptor = SignedDescriptor::from_bytes(descriptor).map_err(|_| BadCommand)?;
                Ok(Self::Extend(Box::new(Extend { descriptor, create })))
            }
            Kind::Extended => {
                let created = Created::from_bytes(body).map_err(|_| BadCommand)?;
                Ok(Self::Extended(Box::new(created)))
            }
            Kind::Begin => service(one(body)?).map(Self::Begin),
            Kind::Connected => nothing(Self::Connected),
            Kind::Refused => Refusal::from_code(one(body)?).map(Self::Refused),
            Kind::Data => Ok(Self::Data(Payload { cell, length })),
            Kind::Credit => {
                let cells = u16::from_be_bytes(body.try_into().map_err(|_| BadCommand)?);
                if cells == 0 {
                    Err(BadCommand)
                } else {
                    Ok(Self::Credit(cells))
                }
            }
            Kind::Padding => nothing(Self::Padding),
            Kind::End => nothing(Self::End),
        }
    }
}

/// Whether `bytes` are what stands in a cell between its tag and its zeros. Panics if what it read is not written so.
pub(crate) fn reads_as_a_command(bytes: &[u8]) -> bool {
    let mut cell = Cell::zeroed();
    let (_, room) = cell.block().split_at_mut(TAG);
    let Some((room, _)) = room.split_at_mut_checked(bytes.len()) else {
        return false;
    };
    room.copy_from_slice(bytes);
    let length = bytes.get(1..3).and_then(|length| length.try_into().ok());
    let is_whole = length.is_some_and(|length| usize::from(u16::from_be_bytes(length)) + 3 == bytes.len());
    is_whole
        && Command::from_cell(cell.clone()).is_ok_and(|command| {
            assert!(command.into_cell() == cell, "one command has two encodings");
            true
        })
}

/// Not a command, although whoever wrote it knows the layer's keys. It ends the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a command")]
pub struct BadCommand;

/// All commands there are; the number of a removed one stays reserved.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Extend = 1,
    Extended = 2,
    Begin = 3,
    Connected = 4,
    Refused = 5,
    Data = 6,
    Credit = 7,
    Padding = 8,
    End = 9,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Extend,
        Self::Extended,
        Self::Begin,
        Self::Connected,
        Self::Refused,
        Self::Data,
        Self::Credit,
        Self::Padding,
        Self::End,
    ];

    fn from_code(code: u8) -> Result<Self, BadCommand> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code).ok_or(BadCommand)
    }
}

impl Refusal {
    const ALL: [Self; 5] = [
        Self::Descriptor,
        Self::Unreachable,
        Self::HungUp,
        Self::Busy,
        Self::NoService,
    ];

    fn code(self) -> u8 {
        match self {
            Self::Descriptor => 1,
            Self::Unreachable => 2,
            Self::HungUp => 3,
            Self::Busy => 4,
            Self::NoService => 5,
        }
    }

    fn from_code(code: u8) -> Result<Self, BadCommand> {
        Self::ALL
            .into_iter()
            .find(|refusal| refusal.code() == code)
            .ok_or(BadCommand)
    }
}

fn service_code(service: Service) -> u8 {
    match service {
        Service::Mailbox => 1,
        Service::Directory => 2,
        Service::Rendezvous => 3,
    }
}

fn service(code: u8) -> Result<Service, BadCommand> {
    let all = [Service::Mailbox, Service::Directory, Service::Rendezvous];
    all.into_iter()
        .find(|service| service_code(*service) == code)
        .ok_or(BadCommand)
}

fn one(body: &[u8]) -> Result<u8, BadCommand> {
    match body {
        [byte] => Ok(*byte),
        _ => Err(BadCommand),
    }
}

/// Writes kind, length and body, and says how long the body is.
fn write(cell: &mut Cell, kind: Kind, parts: &[&[u8]]) -> u16 {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u16::try_from(length)
        .ok()
        .filter(|length| usize::from(*length) <= Cell::BODY);
    let length = length.expect("every command fits a cell: descriptors are bounded, payloads were cut");
    let [high, low] = length.to_be_bytes();
    let (_, mut room) = cell.block().split_at_mut(TAG);
    for part in std::iter::once(&[kind as u8, high, low][..]).chain(parts.iter().copied()) {
        let (here, rest) = room.split_at_mut(part.len());
        here.copy_from_slice(part);
        room = rest;
    }
    length
}

/// Bytes before the body.
const HEAD: usize = TAG + 3;

#[cfg(test)]
mod tests;
