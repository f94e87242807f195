//! The peer's chains, as this side reads them.

use crate::{
    gaps::Gaps,
    keys::{ChainKey, HeaderKey, MessageKey},
    message::{Header, Message},
    session::ReceiveError,
    skipped::{SkippedId, SkippedKey, SkippedKeys},
};
use outis_wire::UnixMillis;
use std::time::Duration;

/// How many messages one message may be ahead of the last that was read, in its own chain and the one before together.
pub const MAX_AHEAD: u32 = 1_000;

/// How many skipped keys a session keeps; the oldest go first.
pub const MAX_SKIPPED: usize = 2_000;

/// How many chains before the current one may still have messages missing; the oldest goes first.
pub const MAX_OLD_CHAINS: usize = 5;

/// How long a skipped key is kept.
pub const SKIPPED_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The chain that the peer sends in now, and those before it of which something is still missing.
#[derive(Default)]
pub(crate) struct Incoming {
    /// None as long as the peer has never spoken.
    pub(crate) open: Option<OpenChain>,
    /// Oldest first. None is without gaps.
    pub(crate) closed: Vec<ClosedChain>,
}

/// A chain that can go on.
pub(crate) struct OpenChain {
    pub(crate) ordinal: u32,
    pub(crate) header: HeaderKey,
    pub(crate) key: ChainKey,
    /// The number that `key` is for.
    pub(crate) next: u32,
    pub(crate) gaps: Gaps,
}

/// A chain whose length is known and of which only the gaps can still come.
pub(crate) struct ClosedChain {
    pub(crate) ordinal: u32,
    pub(crate) header: HeaderKey,
    pub(crate) gaps: Gaps,
}

/// Which of the known chains a message is in.
pub(crate) enum Place {
    Open,
    Closed { ordinal: u32 },
}

/// The key of a message, and what has changed if the message turns out to be authentic.
pub(crate) struct Reached {
    pub(crate) incoming: Incoming,
    pub(crate) key: MessageKey,
    pub(crate) added: Vec<(SkippedId, SkippedKey)>,
    pub(crate) removed: Vec<SkippedId>,
}

impl Incoming {
    /// Tries the header keys of all known chains: at most [`MAX_OLD_CHAINS`] + 1, each failing at its commitment.
    pub(crate) fn find(&self, message: &Message<'_>) -> Option<(Place, Header)> {
        if let Some(header) = self.open.as_ref().and_then(|chain| message.open_header(&chain.header)) {
            return Some((Place::Open, header));
        }
        self.closed.iter().rev().find_map(|chain| {
            let header = message.open_header(&chain.header)?;
            Some((Place::Closed { ordinal: chain.ordinal }, header))
        })
    }

    /// The key of message `number` at `place`.
    pub(crate) fn reach<S: SkippedKeys>(
        &self,
        place: &Place,
        number: u32,
        now: UnixMillis,
        skipped: &S,
    ) -> Result<Reached, ReceiveError<S::Error>> {
        match (place, &self.open) {
            (Place::Open, Some(open)) if number >= open.next => {
                let mut open = open.duplicate();
                let ahead = admit(u64::from(number - open.next))?;
                let added = open.skip(ahead, now);
                let key = open.take().ok_or(ReceiveError::Nonsense)?;
                let incoming = Self {
                    open: Some(open),
                    closed: self.duplicate_closed(),
                };
                Ok(incoming.reached(key, added, Vec::new(), now))
            }
            (Place::Open, Some(open)) => self.reach_back(
                SkippedId {
                    chain: open.ordinal,
                    number,
                },
                now,
                skipped,
            ),
            (Place::Closed { ordinal }, _) => self.reach_back(
                SkippedId {
                    chain: *ordinal,
                    number,
                },
                now,
                skipped,
            ),
            (Place::Open, None) => Err(ReceiveError::NotForThisSession),
        }
    }

    /// Whether a new chain may begin with `header`: decided before any key is derived. Gives how many messages of the
    /// current chain are to be skipped for it.
    pub(crate) fn admit<E>(&self, header: &Header) -> Result<u32, ReceiveError<E>> {
        let read = self.open.as_ref().map_or(0, |open| open.next);
        // A peer that says it sent less than we have read contradicts itself.
        let rest = header.previous.checked_sub(read).ok_or(ReceiveError::Nonsense)?;
        admit(u64::from(rest) + u64::from(header.number))?;
        Ok(rest)
    }

    /// Closes the current chain after `rest` more messages, and begins the next one with its message `number`.
    pub(crate) fn begin<E>(
        &self,
        rest: u32,
        header_key: HeaderKey,
        chain_key: ChainKey,
        number: u32,
        now: UnixMillis,
    ) -> Result<Reached, ReceiveError<E>> {
        let (mut closed, mut added, mut ordinal) = (self.duplicate_closed(), Vec::new(), 0);
        if let Some(mut last) = self.open.as_ref().map(OpenChain::duplicate) {
            added.extend(last.skip(rest, now));
            ordinal = last.ordinal.checked_add(1).ok_or(ReceiveError::Nonsense)?;
            closed.push(last.close());
        }
        let mut open = OpenChain {
            ordinal,
            header: header_key,
            key: chain_key,
            next: 0,
            gaps: Gaps::default(),
        };
        added.extend(open.skip(number, now));
        let key = open.take().ok_or(ReceiveError::Nonsense)?;
        Ok(Self {
            open: Some(open),
            closed,
        }
        .reached(key, added, Vec::new(), now))
    }

    /// Applies the caps, and returns what they cost.
    pub(crate) fn trim(&mut self, now: UnixMillis) -> Vec<SkippedId> {
        let mut removed = Vec::new();
        let limit = now.minus(SKIPPED_LIFETIME);
        self.each(|ordinal, gaps| {
            gaps.correct_clock(now);
            removed.extend(ids(ordinal, gaps.give_up_before(limit)));
        });
        self.closed.retain(|chain| !chain.gaps.is_empty());
        let excess = self.closed.len().saturating_sub(MAX_OLD_CHAINS);
        for mut chain in self.closed.drain(..excess) {
            removed.extend(ids(chain.ordinal, chain.gaps.give_up_first(usize::MAX)));
        }
        let mut excess = self.skipped().saturating_sub(MAX_SKIPPED);
        self.each(|ordinal, gaps| {
            let given_up = gaps.give_up_first(excess);
            excess -= given_up.len();
            removed.extend(ids(ordinal, given_up));
        });
        self.closed.retain(|chain| !chain.gaps.is_empty());
        removed
    }

    /// How many keys are stored for messages that are missing.
    pub(crate) fn skipped(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |chain| chain.gaps.count());
        self.closed.iter().map(|chain| chain.gaps.count()).sum::<usize>() + open
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self {
            open: self.open.as_ref().map(OpenChain::duplicate),
            closed: self.duplicate_closed(),
        }
    }

    fn reach_back<S: SkippedKeys>(
        &self,
        id: SkippedId,
        now: UnixMillis,
        skipped: &S,
    ) -> Result<Reached, ReceiveError<S::Error>> {
        let mut incoming = self.duplicate();
        let mut missing = false;
        incoming.each(|ordinal, gaps| {
            if ordinal == id.chain && gaps.contains(id.number) {
                gaps.close(id.number);
                missing = true;
            }
        });
        if !missing {
            return Err(ReceiveError::Spent);
        }
        let key = skipped
            .find(id)
            .map_err(ReceiveError::Store)?
            .ok_or(ReceiveError::KeyLost(id))?;
        Ok(incoming.reached(key.into_key(), Vec::new(), vec![id], now))
    }

    fn reached(
        mut self,
        key: MessageKey,
        added: Vec<(SkippedId, SkippedKey)>,
        mut removed: Vec<SkippedId>,
        now: UnixMillis,
    ) -> Reached {
        removed.extend(self.trim(now));
        Reached {
            incoming: self,
            key,
            added,
            removed,
        }
    }

    /// All gaps, oldest chain first.
    fn each(&mut self, mut work: impl FnMut(u32, &mut Gaps)) {
        for chain in &mut self.closed {
            work(chain.ordinal, &mut chain.gaps);
        }
        if let Some(open) = &mut self.open {
            work(open.ordinal, &mut open.gaps);
        }
    }

    fn duplicate_closed(&self) -> Vec<ClosedChain> {
        let duplicate = |chain: &ClosedChain| ClosedChain {
            ordinal: chain.ordinal,
            header: chain.header.duplicate(),
            gaps: chain.gaps.clone(),
        };
        self.closed.iter().map(duplicate).collect()
    }
}

impl OpenChain {
    /// Passes over `count` messages and gives their keys.
    fn skip(&mut self, count: u32, now: UnixMillis) -> Vec<(SkippedId, SkippedKey)> {
        let first = self.next;
        let mut skipped = Vec::new();
        for _ in 0..count {
            let id = SkippedId {
                chain: self.ordinal,
                number: self.next,
            };
            let Some(key) = self.take() else { break };
            skipped.push((id, SkippedKey::new(&key)));
        }
        self.gaps.append(first, self.next, now);
        skipped
    }

    /// The key of the next message; `None` at the end of numbers.
    fn take(&mut self) -> Option<MessageKey> {
        let next = self.next.checked_add(1)?;
        let (chain, key) = self.key.step();
        (self.key, self.next) = (chain, next);
        Some(key)
    }

    fn close(self) -> ClosedChain {
        let Self {
            ordinal,
            header,
            key: _,
            next: _,
            gaps,
        } = self;
        ClosedChain { ordinal, header, gaps }
    }

    fn duplicate(&self) -> Self {
        Self {
            ordinal: self.ordinal,
            header: self.header.duplicate(),
            key: self.key.duplicate(),
            next: self.next,
            gaps: self.gaps.clone(),
        }
    }
}

fn admit<E>(ahead: u64) -> Result<u32, ReceiveError<E>> {
    match u32::try_from(ahead) {
        Ok(ahead) if ahead <= MAX_AHEAD => Ok(ahead),
        _ => Err(ReceiveError::TooFarAhead { ahead }),
    }
}

fn ids(chain: u32, numbers: Vec<u32>) -> impl Iterator<Item = SkippedId> {
    numbers.into_iter().map(move |number| SkippedId { chain, number })
}
