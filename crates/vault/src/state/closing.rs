//! A log that lost its end at rest looks like one that was never longer. So closing in good order leaves the same random
//! word in the store, as its last commit, and in a slot beside it; opening compares them, and blanks the slot before
//! anything else is written. After a crash there is no word beside the store, and nothing to compare: what a crash takes
//! was never told.

use outis_crypto::Secret;

use super::State;
use crate::engine::{Engine, Slot};
use crate::fault::Fault;
use crate::key::{Place, Space};
use crate::root::{open_slot, seal_slot};

/// Leaves the word in both places; on disk when it returns.
pub(crate) fn note(state: &mut State, engine: &dyn Engine) -> Result<(), Fault> {
    let word = Secret::<32>::random(&mut state.rng);
    let mut transaction = state.transaction(engine);
    transaction.renew(PLACE, word.dangerously_expose())?;
    let finished = transaction.finish()?;
    let applied = state.apply(engine, finished)?;
    engine.sync(applied.number)?;
    let slot = seal_slot(&state.keys, Slot::Closing, NOTED, &word, &mut state.rng);
    Ok(engine.write_root(Slot::Closing, &slot)?)
}

/// Whether the store is older than when it was closed. The word beside it counts once.
pub(super) fn is_cut_back(state: &mut State, engine: &dyn Engine) -> Result<bool, Fault> {
    let slot = engine.read_root(Slot::Closing)?;
    let Ok((NOTED, word)) = open_slot(&state.keys, Slot::Closing, &slot) else {
        return Ok(false);
    };
    let is_cut_back = match state.get(engine, &PLACE) {
        Ok(stored) => {
            let stored = stored.and_then(|stored| Secret::from_slice(stored.dangerously_expose()));
            !stored.is_some_and(|stored| stored.ct_eq(&word))
        }
        Err(Fault::Damage(_)) => true,
        Err(fault) => return Err(fault),
    };
    let nothing = Secret::from_bytes([0; 32]);
    let blank = seal_slot(&state.keys, Slot::Closing, BLANK, &nothing, &mut state.rng);
    engine.write_root(Slot::Closing, &blank)?;
    Ok(is_cut_back)
}

const PLACE: Place = Place {
    space: Space::Closing,
    ..Place::ROOT
};
const BLANK: u64 = 0;
const NOTED: u64 = 1;
