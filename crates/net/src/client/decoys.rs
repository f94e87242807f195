//! Plays decoys: what somebody's line shows who says a few words to somebody who is away.
//!
//! Three mailboxes are asked what a queue costs, each over a circuit of its own, which stays open for a while as it does for
//! words. No circuit that serves anything is touched: whoever heard padding on three of these at one time would know that
//! they are one person's.

use super::{Stream, opener::Opener, pool::Way};
use crate::{clock::now, random};
use futures::{
    future::{join_all, select},
    pin_mut,
};
use outis_crypto::os_rng;
use outis_mailbox::{
    Kind,
    client::{Driver, connect},
};
use outis_onion::{Decoys, Roles};
use outis_wire::{Destination, Isolation, NodeId, Purpose, Service};
use std::time::Duration;
use tokio::time::{self, Instant};

/// Plays them, so far apart in the mean, until it is aborted.
pub(super) async fn play(opener: Opener, mean: Duration) {
    let mut decoys = Decoys::new(mean, now(), &mut os_rng());
    let mut company = Company::default();
    loop {
        // Not longer, for the clock may have been set back.
        let wait = decoys.next().since(now()).min(mean * LONGEST_MEANS);
        time::sleep(wait).await;
        if decoys.is_due(now(), &mut os_rng()) && opener.shared.enough().is_ok() {
            company.meet(&opener);
            let held = company.talk(&opener).await;
            time::sleep(HELD).await;
            drop(held);
        }
    }
}

/// Whom we seem to write to for a while: three mailboxes.
#[derive(Default)]
struct Company {
    ways: Vec<Way>,
    until: Option<Instant>,
}

impl Company {
    /// Others, when it is time.
    fn meet(&mut self, opener: &Opener) {
        if self.until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let mut mailboxes = opener.shared.known().with_roles(Roles::MAILBOX);
        mailboxes.retain(|node| Some(*node) != opener.shared.own_relay);
        random::shuffle(&mut mailboxes);
        mailboxes.truncate(Decoys::CIRCUITS);
        self.ways = mailboxes.into_iter().map(way).collect();
        self.until = Some(Instant::now() + random::between(SHORTEST, LONGEST));
    }

    /// One decoy. Its streams end when what it gives is dropped.
    async fn talk(&self, opener: &Opener) -> Vec<Option<Driver<Stream>>> {
        join_all(self.ways.iter().map(|way| ask(opener, *way))).await
    }
}

fn way(node: NodeId) -> Way {
    Way {
        to: Destination {
            node,
            service: Service::Mailbox,
        },
        purpose: Purpose::Mailbox,
        isolation: Isolation(random::bytes()),
    }
}

/// One word and its answer. Whether there is one makes no difference.
async fn ask(opener: &Opener, way: Way) -> Option<Driver<Stream>> {
    let asking = async {
        let stream = opener.open(way).await.ok()?;
        let (mut mailbox, mut driver) = connect(stream, opener.shared.network.clone(), way.to.node);
        {
            let asked = mailbox.quote_queue(Kind::CONTACT);
            pin_mut!(asked);
            select(asked, &mut driver).await;
        }
        Some(driver)
    };
    time::timeout(PATIENCE, asking).await.ok().flatten()
}

/// Of an exponential time, one in 20 000 is longer.
const LONGEST_MEANS: u32 = 10;

/// As long as people talk with somebody.
const SHORTEST: Duration = Duration::from_secs(20 * 60);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// As long as a stream is kept over which something was said.
const HELD: Duration = Duration::from_secs(45);

/// For one word and its answer.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
