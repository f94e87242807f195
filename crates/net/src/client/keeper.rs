//! Finds relays and keeps what is known of them fresh, slowly.

use super::opener::Opener;
use crate::{clock::now, directory::Question};
use futures::future::join_all;
use std::time::Duration;
use tokio::time;

/// Runs until it is aborted.
///
/// The first round asks up to three relays at once; once there are enough, one relay is asked now and then. Without an
/// answer it tries again soon, then less and less often, and at once when somebody types an address.
pub(super) async fn run(opener: Opener) {
    let mut wait = FIRST_WAIT;
    loop {
        let known_before = opener.shared.known().len();
        let answered = round(&opener).await;
        let known = opener.shared.known().len();
        wait = match () {
            // A network that is being built shows more of itself each moment.
            () if answered && known > known_before && known < ENOUGH => FIRST_WAIT,
            () if answered && known >= ENOUGH => LONGEST_WAIT,
            () if answered => (wait * 2).min(LONGEST_WAIT),
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
async fn round(opener: &Opener) -> bool {
    opener.shared.known().forget_old(now().epoch());
    let mut asked = opener.some_to_ask();
    if opener.shared.known().len() >= ENOUGH {
        asked.truncate(1);
    }
    let answers = join_all(asked.into_iter().map(|node| opener.ask(node, Question::Sample))).await;
    let mut answered = false;
    for found in answers.into_iter().flatten() {
        answered = true;
        opener.shared.learn(found);
    }
    answered
}

/// So many relays leave a choice for every purpose.
const ENOUGH: usize = 32;

const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Between two looks at a network that answers.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// Between two tries where nobody answers.
const LONGEST_WAIT_OFFLINE: Duration = Duration::from_secs(30);
