//! A session at rest.

use super::{Session, SessionId, Turn, sending::SendingChain};
use crate::{
    RecordError,
    gaps::{Gap, Gaps},
    incoming::{ClosedChain, Incoming, MAX_OLD_CHAINS, MAX_SKIPPED, OpenChain},
    keys::{ChainKey, HeaderKey, RootKey},
    record::{self, Writer},
    turn::{HeadBytes, OwnKeys, PeerKeys},
};
use outis_crypto::{
    SecretBytes,
    agreement::{PublicKey, SecretKey},
    kem::{self, Ciphertext, DecapsulationKey, EncapsulationKey},
};
use outis_wire::{Reader, UnixMillis};
use std::sync::Arc;

impl Session {
    /// For the vault, and for nothing else. Skipped keys are not in it: they are records of their own.
    ///
    /// | size | field                                                      |
    /// |    1 | version = 1                                                |
    /// |   32 | session id                                                 |
    /// |   32 | root key                                                   |
    /// |   32 | header key of our next chain                               |
    /// |   32 | header key of the peer's next chain                        |
    /// |    1 | whose turn was the last: 1 ours, 2 theirs                  |
    /// |      | **ours**: X25519 secret key 32, ML-KEM-768 seed 64, our turn's ciphertext 1088, header key 32, chain key 32, previous 4, next 4 |
    /// |      | **theirs**: X25519 public key 32, encapsulation key 1184, sent 4 |
    /// |    1 | whether the peer has a chain: 0 no, 1 yes                  |
    /// |      | **yes**: ordinal 4, header key 32, chain key 32, next 4, gaps |
    /// |    1 | old chains, at most 5; each: ordinal 4, header key 32, gaps |
    ///
    /// Gaps: count 4, then for each first number 4, end 4, missing since (Unix milliseconds) 8.
    pub fn to_record(&self) -> SecretBytes {
        let mut record = Writer::new(self.record_size(), VERSION);
        record.bytes(&self.id.0);
        record.bytes(self.root.for_record());
        record.bytes(self.next_sending.for_record());
        record.bytes(self.next_receiving.for_record());
        match &self.turn {
            Turn::Ours(chain) => write_ours(&mut record, chain),
            Turn::Theirs { peer, sent } => {
                record.u8(THEIRS);
                record.bytes(peer.agreement.as_bytes());
                record.bytes(peer.encapsulation.as_bytes());
                record.u32(*sent);
            }
        }
        write_incoming(&mut record, &self.incoming);
        record.finish()
    }

    /// Reads what [`Self::to_record`] wrote.
    ///
    /// # Errors
    /// An unknown version, or anything that no session says.
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = record::open(bytes, VERSION)?;
        let id = SessionId(reader.array()?);
        let root = RootKey::new(record::secret(&mut reader)?);
        let next_sending = HeaderKey::new(record::secret(&mut reader)?);
        let next_receiving = HeaderKey::new(record::secret(&mut reader)?);
        let turn = match reader.u8()? {
            OURS => Turn::Ours(read_ours(&mut reader)?),
            THEIRS => Turn::Theirs {
                peer: read_peer(&mut reader)?,
                sent: reader.u32()?,
            },
            _ => return Err(RecordError::Malformed),
        };
        let incoming = read_incoming(&mut reader)?;
        record::close(reader)?;
        if matches!(turn, Turn::Theirs { .. }) && incoming.open.is_none() {
            return Err(RecordError::Malformed);
        }
        Ok(Self {
            id,
            root,
            next_sending,
            next_receiving,
            turn,
            incoming,
        })
    }

    fn record_size(&self) -> usize {
        let turn = match self.turn {
            Turn::Ours(_) => 32 + 64 + kem::CIPHERTEXT + 32 + 32 + 4 + 4,
            Turn::Theirs { .. } => 32 + kem::ENCAPSULATION_KEY + 4,
        };
        let gaps = |gaps: &Gaps| 4 + 16 * gaps.list().len();
        let open = self
            .incoming
            .open
            .as_ref()
            .map_or(0, |chain| 4 + 32 + 32 + 4 + gaps(&chain.gaps));
        let closed: usize = self
            .incoming
            .closed
            .iter()
            .map(|chain| 4 + 32 + gaps(&chain.gaps))
            .sum();
        1 + 4 * 32 + 1 + turn + 1 + open + 1 + closed
    }
}

const VERSION: u8 = 1;

const OURS: u8 = 1;

const THEIRS: u8 = 2;

fn write_ours(record: &mut Writer, chain: &SendingChain) {
    record.u8(OURS);
    record.bytes(chain.own.agreement().seed().dangerously_expose());
    record.bytes(chain.own.decapsulation().seed().dangerously_expose());
    record.bytes(chain.head.ciphertext());
    record.bytes(chain.header.for_record());
    record.bytes(chain.key.for_record());
    record.u32(chain.previous);
    record.u32(chain.next);
}

fn read_ours(reader: &mut Reader<'_>) -> Result<SendingChain, RecordError> {
    let agreement = SecretKey::from_seed(&record::secret(reader)?);
    let decapsulation = DecapsulationKey::from_seed(record::secret(reader)?);
    let ciphertext = Ciphertext::from_bytes(reader.bytes(kem::CIPHERTEXT)?).map_err(|_| RecordError::Malformed)?;
    let head = HeadBytes::new(&agreement.public(), &decapsulation.encapsulation_key(), &ciphertext);
    Ok(SendingChain {
        own: Arc::new(OwnKeys::from_parts(agreement, decapsulation)),
        head,
        header: HeaderKey::new(record::secret(reader)?),
        key: ChainKey::new(record::secret(reader)?),
        previous: reader.u32()?,
        next: reader.u32()?,
    })
}

fn read_peer(reader: &mut Reader<'_>) -> Result<PeerKeys, RecordError> {
    let agreement = PublicKey::from_bytes(reader.array()?).map_err(|_| RecordError::Malformed)?;
    let encapsulation = EncapsulationKey::from_bytes(reader.bytes(kem::ENCAPSULATION_KEY)?);
    let encapsulation = Arc::new(encapsulation.map_err(|_| RecordError::Malformed)?);
    Ok(PeerKeys {
        agreement,
        encapsulation,
    })
}

fn write_incoming(record: &mut Writer, incoming: &Incoming) {
    match &incoming.open {
        None => record.u8(0),
        Some(chain) => {
            record.u8(1);
            record.u32(chain.ordinal);
            record.bytes(chain.header.for_record());
            record.bytes(chain.key.for_record());
            record.u32(chain.next);
            write_gaps(record, &chain.gaps);
        }
    }
    record.u8(u8::try_from(incoming.closed.len()).expect("there are at most five old chains"));
    for chain in &incoming.closed {
        record.u32(chain.ordinal);
        record.bytes(chain.header.for_record());
        write_gaps(record, &chain.gaps);
    }
}

fn read_incoming(reader: &mut Reader<'_>) -> Result<Incoming, RecordError> {
    let open = match reader.u8()? {
        0 => None,
        1 => Some(read_open(reader)?),
        _ => return Err(RecordError::Malformed),
    };
    let mut closed = Vec::new();
    for _ in 0..reader.u8()? {
        let ordinal = reader.u32()?;
        let header = HeaderKey::new(record::secret(reader)?);
        closed.push(ClosedChain {
            ordinal,
            header,
            gaps: read_gaps(reader)?,
        });
    }
    let incoming = Incoming { open, closed };
    if is_sound(&incoming) {
        Ok(incoming)
    } else {
        Err(RecordError::Malformed)
    }
}

fn read_open(reader: &mut Reader<'_>) -> Result<OpenChain, RecordError> {
    Ok(OpenChain {
        ordinal: reader.u32()?,
        header: HeaderKey::new(record::secret(reader)?),
        key: ChainKey::new(record::secret(reader)?),
        next: reader.u32()?,
        gaps: read_gaps(reader)?,
    })
}

/// The caps hold, chains are in order, old ones have gaps, and no gap lies ahead of its chain.
fn is_sound(incoming: &Incoming) -> bool {
    let Incoming { open, closed } = incoming;
    let ordinals: Vec<u32> = closed
        .iter()
        .map(|chain| chain.ordinal)
        .chain(open.as_ref().map(|c| c.ordinal))
        .collect();
    let in_order = ordinals.is_sorted_by(|before, after| before < after);
    let gaps = closed.iter().all(|chain| !chain.gaps.is_empty());
    let behind = open
        .as_ref()
        .is_none_or(|chain| chain.gaps.list().last().is_none_or(|gap| gap.end <= chain.next));
    let old = closed.len() <= MAX_OLD_CHAINS && (open.is_some() || closed.is_empty());
    in_order && gaps && behind && old && incoming.skipped() <= MAX_SKIPPED
}

fn write_gaps(record: &mut Writer, gaps: &Gaps) {
    record.count(gaps.list().len());
    for Gap { first, end, since } in gaps.list() {
        record.u32(*first);
        record.u32(*end);
        record.u64(since.0);
    }
}

fn read_gaps(reader: &mut Reader<'_>) -> Result<Gaps, RecordError> {
    let mut gaps = Vec::new();
    for _ in 0..reader.u32()? {
        gaps.push(Gap {
            first: reader.u32()?,
            end: reader.u32()?,
            since: UnixMillis(reader.u64()?),
        });
    }
    Gaps::from_list(gaps).ok_or(RecordError::Malformed)
}
