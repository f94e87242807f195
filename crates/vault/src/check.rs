//! Looking for damage: what of a container cannot be read any more.
//!
//! A damaged log opens with what is sound. What is not is an error wherever it is met; here all of it is looked for, so that
//! it can be told, and given up, after which the rest is as usable as before.

use crate::commit::{Commit, Step};
use crate::key::{Key, Table};
use crate::state::IndexId;
use crate::vault::Vault;
use crate::{CommitError, ReadError};

/// Something that was stored and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The store is older than it was, or parts of it are: what was stored there is gone without a trace, how much nobody
    /// can say.
    Latest,
    /// A table's list of owners: what the table holds cannot be told.
    Table(Table),
    /// All that an owner had in a table.
    Owner(Table, [u8; 32]),
    /// One record.
    Record(Key),
}

impl Vault {
    /// Reads everything, and says what cannot be read. Takes as long as reading everything takes.
    ///
    /// # Errors
    /// See [`ReadError`]; never [`ReadError::Damaged`].
    pub fn check(&self) -> Result<Vec<Loss>, ReadError> {
        let is_cut_back = self.with_state(|state, _| {
            state.forget_opened();
            Ok(state.is_cut_back)
        })?;
        let is_whole = readable(
            self.with_state(|_, engine| Ok(engine.is_whole()?))
                .map_err(ReadError::from),
        )?;
        let is_older = is_cut_back || is_whole != Some(true);
        let mut losses: Vec<Loss> = is_older.then_some(Loss::Latest).into_iter().collect();
        for table in (0..=u8::MAX).map(Table) {
            match readable(self.owners(table))? {
                None => losses.push(Loss::Table(table)),
                Some(owners) => {
                    for owner in owners {
                        self.check_owner(table, owner, &mut losses)?;
                    }
                }
            }
        }
        Ok(losses)
    }

    /// Forgets that there was ever anything in the place of what has been lost: the rest of it then reads as if that had
    /// been erased. [`Loss::Table`] cannot be given up.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn give_up(&self, losses: &[Loss]) -> Result<(), CommitError> {
        let step = |loss: &Loss| match *loss {
            Loss::Record(key) => Some(Step::GiveUp(key.into())),
            Loss::Owner(table, owner) => Some(Step::GiveUpOwner(table, owner)),
            Loss::Latest | Loss::Table(_) => None,
        };
        let steps = losses.iter().filter_map(step).collect();
        self.write(|state, engine| {
            let applied = state.commit(engine, Commit { steps })?;
            if losses.contains(&Loss::Latest) {
                engine.take_for_whole()?;
                state.is_cut_back = false;
            }
            Ok(applied)
        })?;
        Ok(())
    }

    fn check_owner(&self, table: Table, owner: [u8; 32], losses: &mut Vec<Loss>) -> Result<(), ReadError> {
        let numbers = self.with_state(|state, engine| {
            let index = state.index(engine, IndexId::Records(table.into(), owner))?;
            Ok(index.map(|index| index.within(0..=u64::MAX).collect::<Vec<u64>>()))
        });
        let Some(Some(numbers)) = readable(numbers.map_err(ReadError::from))? else {
            losses.push(Loss::Owner(table, owner));
            return Ok(());
        };
        for number in numbers {
            let key = Key::new(table, owner, number);
            if readable(self.get(&key))?.flatten().is_none() {
                losses.push(Loss::Record(key));
            }
        }
        Ok(())
    }
}

/// What was read, or `None` if it is damaged.
fn readable<T>(read: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match read {
        Err(ReadError::Damaged { .. }) => Ok(None),
        read => read.map(Some),
    }
}
