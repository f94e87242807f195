//! Finds relays and keeps what is known of them fresh, slowly; and keeps circuits in stock.

use super::opener::{ASKED_AT_ONCE, Opener};
use crate::{clock::now, directory::Question, random};
use futures::future::join_all;
use outis_wire::NodeId;
use std::time::Duration;
use tokio::time;

/// Finds relays, until it is aborted.
///
/// The first three are asked directly, until so many are known that circuits can be built. From then on one is asked now
/// and then, over a circuit. Without an answer it tries again soon, then less and less often, and at once when somebody
/// types an address.
///
/// When no guard has answered for long, three are asked directly again: if they answer, it is the guards that are gone, and
/// others are drawn.
pub(super) async fn find(opener: Opener) {
    let mut wait = FIRST_WAIT;
    let mut first = Vec::new();
    loop {
        let known_before = opener.shared.known().len();
        let answered = round(&opener, &mut first).await;
        let known = opener.shared.known().len();
        if known != known_before {
            opener.shared.learned.notify_one();
        }
        wait = match () {
            // A network that is being built shows more of itself each moment.
            () if answered && known > known_before && known < ENOUGH => FIRST_WAIT,
            () if answered && known >= ENOUGH => LONGEST_WAIT,
            () if answered && opener.shared.enough().is_ok() => (wait * 2).min(LONGEST_WAIT),
            () => (wait * 2).min(LONGEST_WAIT_OFFLINE),
        };
        tokio::select! {
            biased;
            () = opener.shared.hinted.notified() => wait = FIRST_WAIT,
            () = time::sleep(wait) => {}
        }
    }
}

/// Asks for a sample. Says whether anybody answered.
async fn round(opener: &Opener, first: &mut Vec<NodeId>) -> bool {
    opener.shared.known().forget_old(now().epoch());
    let over_circuits = opener.shared.enough().is_ok() && !opener.shared.guards_are_given_up();
    let answers = if over_circuits {
        let asked = opener.some_to_ask().into_iter().take(1);
        join_all(asked.map(|node| opener.ask(node, Question::Sample))).await
    } else {
        choose_first(opener, first);
        join_all(first.iter().map(|node| opener.ask_directly(*node))).await
    };
    let mut answered = false;
    for found in answers.into_iter().flatten() {
        answered = true;
        opener.shared.learn(found);
    }
    answered
}

/// The same three for as long as they answer: nobody else sees this client's address but its guards.
fn choose_first(opener: &Opener, first: &mut Vec<NodeId>) {
    let known = opener.shared.known();
    first.retain(|node| !known.is_silent(node));
    let mut others = known.hinted();
    if others.is_empty() {
        others = known.askable(now());
    }
    let own = opener.shared.own_relay;
    others.retain(|node| !first.contains(node) && Some(*node) != own && !known.is_silent(node));
    random::shuffle(&mut others);
    first.extend(others);
    first.truncate(ASKED_AT_ONCE);
}

/// Keeps circuits in stock, until it is aborted.
pub(super) async fn stock(opener: Opener) {
    let mut wait = SHORTEST_REST;
    loop {
        let missing = SPARES.saturating_sub(opener.shared.pool.spares());
        let can = opener.shared.enough().is_ok() && !opener.shared.ways.is_direct();
        if can {
            join_all(
                opener
                    .shared
                    .guards_to_try()
                    .into_iter()
                    .map(|guard| opener.try_guard(guard)),
            )
            .await;
        }
        let built = match missing {
            _ if !can => None,
            0 => None,
            missing => {
                let builds = (0..missing.min(AT_ONCE)).map(|_| opener.build(None));
                Some(join_all(builds).await)
            }
        };
        match built {
            Some(built) => {
                let before = opener.shared.pool.spares();
                for orders in built.into_iter().flatten() {
                    opener.shared.pool.spare(orders);
                }
                if opener.shared.pool.spares() > before {
                    wait = SHORTEST_REST;
                    continue;
                }
                wait = (wait * 2).min(LONGEST_REST);
            }
            None => wait = LONGEST_REST,
        }
        tokio::select! {
            biased;
            () = opener.shared.pool.changed(), if wait == LONGEST_REST => wait = SHORTEST_REST,
            () = opener.shared.learned.notified() => wait = SHORTEST_REST,
            () = time::sleep(wait) => {}
        }
    }
}

/// So many relays leave a choice for every purpose.
const ENOUGH: usize = 32;

const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Between two looks at a network that answers.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// Between two tries where nobody answers, or too few are known for circuits.
const LONGEST_WAIT_OFFLINE: Duration = Duration::from_secs(30);

/// Circuits that wait for whoever comes first.
const SPARES: usize = 6;

/// Built at a time, so that what a person waits for is not behind them all.
const AT_ONCE: usize = 2;

/// Between two tries to build where none succeeded.
const SHORTEST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(30);
