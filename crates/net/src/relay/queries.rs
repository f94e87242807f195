//! Puts and look-ups that are under way in Kademlia.

use super::{check::Judge, records::Records, task::Stored};
use crate::clock::now;
use futures::channel::oneshot;
use libp2p::{
    PeerId,
    kad::{self, GetRecordOk, QueryId, QueryResult, Quorum, RecordKey},
};
use outis_mailbox::{
    descriptor::DirectoryKey,
    directory::{MAX_FOUND, Record},
};
use std::collections::{BTreeMap, HashMap};

/// What waits for Kademlia. Bounded: what finds it full is refused.
#[derive(Default)]
pub(super) struct Queries {
    lookups: HashMap<QueryId, Lookup>,
    searches: HashMap<QueryId, u64>,
    sends: HashMap<QueryId, u64>,
    puts: HashMap<u64, Put>,
    next_put: u64,
}

/// A record being looked for.
struct Lookup {
    key: DirectoryKey,
    /// By order, so that the newest are last; one each.
    found: BTreeMap<(u128, [u8; 32]), Record>,
    answers: usize,
    reply: oneshot::Sender<Vec<Record>>,
}

/// A record being stored: first its holders are searched, then it is sent to each.
struct Put {
    key: DirectoryKey,
    record: Vec<u8>,
    stored: u8,
    outstanding: usize,
    wanted: u8,
    reply: Option<oneshot::Sender<Stored>>,
}

/// What a step of a query means for the task.
pub(super) enum Settled {
    /// Nothing to do.
    Nothing,
    /// The first record was found: do not wait for ever for more.
    FirstFound,
}

impl Queries {
    /// Begins a look-up.
    pub(super) fn get(
        &mut self,
        kad: &mut kad::Behaviour<Records>,
        key: DirectoryKey,
        reply: oneshot::Sender<Vec<Record>>,
    ) {
        if self.lookups.len() >= MOST {
            // Dropping the reply says so.
            return;
        }
        let id = kad.get_record(RecordKey::new(&key.0));
        self.lookups.insert(
            id,
            Lookup {
                key,
                found: BTreeMap::new(),
                answers: 0,
                reply,
            },
        );
    }

    /// Begins a put. `here` says whether this relay is a holder already.
    pub(super) fn put(
        &mut self,
        kad: &mut kad::Behaviour<Records>,
        key: DirectoryKey,
        record: Vec<u8>,
        here: u8,
        reply: Option<oneshot::Sender<Stored>>,
    ) {
        if self.puts.len() >= MOST {
            return;
        }
        let number = self.next_put;
        self.next_put = self.next_put.wrapping_add(1);
        let put = Put {
            key,
            record,
            stored: here,
            outstanding: 0,
            wanted: ENOUGH_HOLDERS,
            reply,
        };
        self.puts.insert(number, put);
        self.searches.insert(kad.get_closest_peers(key.0.to_vec()), number);
    }

    /// Ends a look-up with what it has.
    pub(super) fn enough(&mut self, kad: &mut kad::Behaviour<Records>, id: QueryId) {
        if let Some(lookup) = self.lookups.remove(&id) {
            lookup.settle();
            if let Some(mut query) = kad.query_mut(&id) {
                query.finish();
            }
        }
    }

    /// Takes a step of a query.
    pub(super) fn progressed(
        &mut self,
        kad: &mut kad::Behaviour<Records>,
        judge: &Judge,
        id: QueryId,
        result: QueryResult,
        last: bool,
    ) -> Settled {
        match result {
            QueryResult::GetRecord(outcome) => self.looked_up(kad, judge, id, outcome, last),
            QueryResult::GetClosestPeers(outcome) => {
                let peers = match outcome {
                    Ok(found) => found.peers,
                    Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                self.holders_found(kad, id, peers.into_iter().map(|peer| peer.peer_id).collect());
                Settled::Nothing
            }
            QueryResult::PutRecord(outcome) => {
                self.sent(id, u8::from(outcome.is_ok()));
                Settled::Nothing
            }
            _ => Settled::Nothing,
        }
    }

    fn looked_up(
        &mut self,
        kad: &mut kad::Behaviour<Records>,
        judge: &Judge,
        id: QueryId,
        outcome: Result<GetRecordOk, kad::GetRecordError>,
        last: bool,
    ) -> Settled {
        let Some(lookup) = self.lookups.get_mut(&id) else {
            return Settled::Nothing;
        };
        let mut settled = Settled::Nothing;
        if let Ok(GetRecordOk::FoundRecord(found)) = outcome {
            let record = Record::from_bytes(&found.record.value).ok();
            let judged = judge.judge_bytes(&lookup.key.0, &found.record.value, now()).ok();
            if let (Some(record), Some(judged)) = (record, judged) {
                lookup.found.insert(judged.checked.order, record);
                lookup.answers += 1;
                if lookup.answers == 1 {
                    settled = Settled::FirstFound;
                }
            }
        }
        if last || lookup.answers >= ENOUGH_ANSWERS {
            self.enough(kad, id);
            return Settled::Nothing;
        }
        settled
    }

    fn holders_found(&mut self, kad: &mut kad::Behaviour<Records>, id: QueryId, peers: Vec<PeerId>) {
        let Some(number) = self.searches.remove(&id) else {
            return;
        };
        let Some(put) = self.puts.get_mut(&number) else { return };
        put.outstanding = peers.len();
        put.wanted = put
            .wanted
            .min(put.stored.saturating_add(u8::try_from(peers.len()).unwrap_or(u8::MAX)));
        for peer in peers {
            // Each on its own, so that a dead one holds up nobody; without a publisher, so that it tells nothing of us.
            let record = kad::Record::new(RecordKey::new(&put.key.0), put.record.clone());
            let send = kad.put_record_to(record, std::iter::once(peer), Quorum::One);
            self.sends.insert(send, number);
        }
        self.settle_put(number);
    }

    fn sent(&mut self, id: QueryId, stored: u8) {
        let Some(number) = self.sends.remove(&id) else { return };
        if let Some(put) = self.puts.get_mut(&number) {
            put.stored = put.stored.saturating_add(stored);
            put.outstanding = put.outstanding.saturating_sub(1);
        }
        self.settle_put(number);
    }

    /// Answers once enough holders have it, and forgets the put when none is left to ask.
    fn settle_put(&mut self, number: u64) {
        let Some(put) = self.puts.get_mut(&number) else { return };
        if put.outstanding == 0 || put.stored >= put.wanted {
            let stored = put.stored;
            if let Some(reply) = put.reply.take() {
                // Nobody waits any more if this fails.
                let _ = reply.send(Stored::At(stored));
            }
        }
        if put.outstanding == 0 {
            self.puts.remove(&number);
        }
    }
}

impl Lookup {
    fn settle(self) {
        let newest_first: Vec<Record> = self.found.into_values().rev().take(MAX_FOUND).collect();
        // Nobody waits any more if this fails.
        let _ = self.reply.send(newest_first);
    }
}

/// Puts, and look-ups, under way at once.
const MOST: usize = 256;

/// Holders that a put waits for; the others get it as well.
const ENOUGH_HOLDERS: u8 = 4;

/// Answers with a record after which a look-up is over.
const ENOUGH_ANSWERS: usize = 4;
