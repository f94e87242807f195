//! A disk in memory that forgets on a crash what a disk would forget, so that a simulation can crash between any two steps.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Batch, DiskKey, Engine, ROOT_SLOT_BYTES, Slot};

/// A simulated disk that holds one vault. Clones are handles to the same disk.
///
/// Every write, sync and removal is one *step*. [`crash_after`](Self::crash_after) makes the machine die at a later step:
/// the step fails, and so does everything on the vaults that stand on this disk, until [`restart`](Self::restart).
/// What was not synced by then survives or not, as the seed has it: of batches a prefix, of file writes any subset, and a
/// root slot that was being written is any mixture of old and new.
///
/// It is not a model of an adversary: nothing here is meant to be secret.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Mutex<State>>);

struct State {
    durable: BTreeMap<DiskKey, Vec<u8>>,
    view: BTreeMap<DiskKey, Vec<u8>>,
    pending: Vec<Batch>,
    applied: u64,
    synced: u64,
    roots: [Vec<u8>; Slot::COUNT],
    durable_files: BTreeMap<String, Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
    pending_files: Vec<(String, FileStep)>,
    data_key: Option<[u8; 32]>,
    mount: u64,
    steps: u64,
    crash_at: Option<u64>,
    full: bool,
    crashed: bool,
    random: SplitMix,
    /// Values and files read, for tests that count.
    #[cfg(test)]
    reads: u64,
    /// All that was sealed and written, and where in it the nonce stands, for tests that look at it.
    #[cfg(test)]
    written: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone)]
enum FileStep {
    Create(u64),
    Write(u64, Vec<u8>),
    Remove,
}

impl MemoryDisk {
    /// An empty disk. The seed decides what survives its crashes.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            durable: BTreeMap::new(),
            view: BTreeMap::new(),
            pending: Vec::new(),
            applied: 0,
            synced: 0,
            roots: std::array::from_fn(|_| vec![0; ROOT_SLOT_BYTES]),
            durable_files: BTreeMap::new(),
            files: BTreeMap::new(),
            pending_files: Vec::new(),
            data_key: None,
            mount: 0,
            steps: 0,
            crash_at: None,
            full: false,
            crashed: false,
            random: SplitMix(seed),
            #[cfg(test)]
            reads: 0,
            #[cfg(test)]
            written: Vec::new(),
        })))
    }

    /// The same folder on another machine: all that stands on this disk, as it is now. What happens to one of them from
    /// now on does not happen to the other.
    pub fn copy(&self, seed: u64) -> Self {
        let copy = Self::new(seed);
        {
            let (from, mut to) = (self.state(), copy.state());
            to.durable = from.view.clone();
            to.view = from.view.clone();
            to.roots = from.roots.clone();
            to.durable_files = from.files.clone();
            to.files = from.files.clone();
            to.data_key = from.data_key;
        }
        copy
    }

    /// How many steps have been taken on this disk so far.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Lets `steps` more steps pass and crashes in the one after them; 0 crashes in the next.
    pub fn crash_after(&self, steps: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.steps + steps + 1);
    }

    /// Takes back [`crash_after`](Self::crash_after), if it has not come to it.
    pub fn cancel_crash(&self) {
        self.state().crash_at = None;
    }

    /// Whether the machine is down.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// From now on no write finds room, until it is called with `false`. Overwriting in place needs none.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// Pulls the plug now (if it has not crashed yet) and starts the machine again: what was not synced survives or not,
    /// and vaults opened before are dead.
    pub fn restart(&self) {
        let state = &mut *self.state();
        let surviving = state.random.below(state.pending.len() as u64 + 1);
        for batch in state
            .pending
            .drain(..)
            .take(usize::try_from(surviving).unwrap_or(usize::MAX))
        {
            apply_batch(&mut state.durable, batch);
        }
        state.view = state.durable.clone();
        state.synced = state.applied;
        for (name, step) in std::mem::take(&mut state.pending_files) {
            if state.random.below(2) == 0 {
                step.apply(&mut state.durable_files, &name);
            }
        }
        state.files = state.durable_files.clone();
        state.mount += 1;
        state.crash_at = None;
        state.crashed = false;
    }

    /// Every byte that a thief of this disk would find: values, slots and files, durable or not.
    pub fn image(&self) -> Vec<Vec<u8>> {
        let state = self.state();
        let records = state.view.iter().flat_map(|(key, value)| [key.to_vec(), value.clone()]);
        records
            .chain(state.roots.iter().cloned())
            .chain(state.files.values().cloned())
            .collect()
    }

    /// Values and files read so far.
    #[cfg(test)]
    pub(crate) fn reads(&self) -> u64 {
        self.state().reads
    }

    /// All that was sealed and written since the last time, with the offset of its nonce.
    #[cfg(test)]
    pub(crate) fn take_written(&self) -> Vec<(usize, Vec<u8>)> {
        std::mem::take(&mut self.state().written)
    }

    /// A copy of this disk, as somebody would make who copies the folder.
    #[cfg(test)]
    pub(crate) fn fork(&self) -> Self {
        let state = self.state();
        let copy = Self::new(state.steps);
        {
            let mut to = copy.state();
            to.durable = state.durable.clone();
            to.view = state.durable.clone();
            to.roots = state.roots.clone();
            to.durable_files = state.durable_files.clone();
            to.files = state.durable_files.clone();
            to.data_key = state.data_key;
        }
        copy
    }

    /// The files as they stand.
    #[cfg(test)]
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().files.clone()
    }

    /// The records as they stand.
    #[cfg(test)]
    pub(crate) fn records(&self) -> BTreeMap<DiskKey, Vec<u8>> {
        self.state().view.clone()
    }

    pub(crate) fn data_key(&self) -> Option<[u8; 32]> {
        self.state().data_key
    }

    pub(crate) fn set_data_key(&self, key: [u8; 32]) {
        self.state().data_key = Some(key);
    }

    /// A new engine on this disk; those before it are dead from now on.
    pub(crate) fn mount(&self) -> MemoryEngine {
        let mut state = self.state();
        state.mount += 1;
        MemoryEngine {
            disk: self.clone(),
            mount: state.mount,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process's view of a [`MemoryDisk`].
pub(crate) struct MemoryEngine {
    disk: MemoryDisk,
    mount: u64,
}

/// Where in its step the machine dies.
enum Fate {
    Lives,
    DiesBefore,
    DiesAfter,
}

impl MemoryEngine {
    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.crashed || state.mount != self.mount {
            Err(crash())
        } else {
            Ok(state)
        }
    }

    /// One step: it happens, or the machine dies before or after it.
    fn step(&self, act: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.alive()?;
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let fate = state.next_fate();
        if !matches!(fate, Fate::DiesBefore) {
            act(&mut state);
        }
        if matches!(fate, Fate::Lives) {
            Ok(())
        } else {
            Err(crash())
        }
    }
}

impl State {
    fn next_fate(&mut self) -> Fate {
        self.steps += 1;
        if self.crash_at != Some(self.steps) {
            return Fate::Lives;
        }
        self.crashed = true;
        if self.random.below(2) == 0 {
            Fate::DiesBefore
        } else {
            Fate::DiesAfter
        }
    }

    fn note_file(&mut self, name: &str, step: FileStep) {
        step.clone().apply(&mut self.files, name);
        self.pending_files.push((name.to_owned(), step));
    }
}

impl Engine for MemoryEngine {
    fn get(&self, key: &DiskKey) -> io::Result<Option<Vec<u8>>> {
        #[cfg(test)]
        {
            self.alive()?.reads += 1;
        }
        Ok(self.alive()?.view.get(key).cloned())
    }

    fn apply(&self, batch: Batch) -> io::Result<u64> {
        self.step(|state| {
            #[cfg(test)]
            {
                let values = batch.iter().filter_map(|(_, value)| value.clone());
                state.written.extend(values.map(|value| (8, value)));
            }
            apply_batch(&mut state.view, batch.clone());
            state.pending.push(batch);
            state.applied += 1;
        })?;
        Ok(self.alive()?.applied)
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        if self.alive()?.synced >= number {
            return Ok(());
        }
        self.step(|state| {
            state.pending.clear();
            state.durable = state.view.clone();
            state.synced = state.applied;
        })
    }

    fn read_root(&self, slot: Slot) -> io::Result<Vec<u8>> {
        Ok(slot_of(&mut self.alive()?.roots, slot).clone())
    }

    fn write_root(&self, slot: Slot, bytes: &[u8; ROOT_SLOT_BYTES]) -> io::Result<()> {
        // In place, so a full disk does not mind.
        let mut state = self.alive()?;
        #[cfg(test)]
        {
            state.written.push((0, bytes.to_vec()));
        }
        if matches!(state.next_fate(), Fate::Lives) {
            *slot_of(&mut state.roots, slot) = bytes.to_vec();
            return Ok(());
        }
        // Torn: some sectors are new, some still old.
        for sector in 0..ROOT_SLOT_BYTES / SECTOR {
            if state.random.below(2) == 0 {
                let range = sector * SECTOR..(sector + 1) * SECTOR;
                if let (Some(old), Some(new)) =
                    (slot_of(&mut state.roots, slot).get_mut(range.clone()), bytes.get(range))
                {
                    old.copy_from_slice(new);
                }
            }
        }
        Err(crash())
    }

    fn reopen(&self) -> io::Result<()> {
        self.alive().map(drop)
    }

    fn close(&self) {}

    fn file_create(&self, name: &str, length: u64) -> io::Result<()> {
        self.step(|state| state.note_file(name, FileStep::Create(length)))
    }

    fn file_write(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.step(|state| {
            #[cfg(test)]
            {
                state.written.push((0, bytes.to_vec()));
            }
            state.note_file(name, FileStep::Write(offset, bytes.to_vec()));
        })
    }

    fn file_read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = self.alive()?;
        #[cfg(test)]
        let state = {
            let mut state = state;
            state.reads += 1;
            state
        };
        let file = state.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = file
            .get(start..)
            .and_then(|rest| rest.get(..length))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(bytes.to_vec())
    }

    fn file_read_whole(&self, name: &str, limit: usize) -> io::Result<Vec<u8>> {
        let state = self.alive()?;
        let file = state.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.iter().copied().take(limit).collect())
    }

    fn file_sync(&self, names: &[String]) -> io::Result<()> {
        self.step(|state| {
            for (of, step) in std::mem::take(&mut state.pending_files) {
                if names.contains(&of) {
                    step.apply(&mut state.durable_files, &of);
                } else {
                    state.pending_files.push((of, step));
                }
            }
        })
    }

    fn file_remove(&self, name: &str) -> io::Result<()> {
        self.step(|state| state.note_file(name, FileStep::Remove))
    }

    fn file_names(&self) -> io::Result<Vec<String>> {
        Ok(self.alive()?.files.keys().cloned().collect())
    }
}

impl FileStep {
    fn apply(self, files: &mut BTreeMap<String, Vec<u8>>, name: &str) {
        match self {
            FileStep::Create(length) => {
                files.insert(name.to_owned(), vec![0; usize::try_from(length).unwrap_or(0)]);
            }
            FileStep::Write(offset, bytes) => {
                // A write whose file did not survive the crash has nowhere to go.
                let place = usize::try_from(offset)
                    .ok()
                    .and_then(|start| files.get_mut(name)?.get_mut(start..));
                if let Some(place) = place {
                    place.iter_mut().zip(bytes).for_each(|(old, new)| *old = new);
                }
            }
            FileStep::Remove => {
                files.remove(name);
            }
        }
    }
}

fn apply_batch(map: &mut BTreeMap<DiskKey, Vec<u8>>, batch: Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

fn slot_of(roots: &mut [Vec<u8>; Slot::COUNT], slot: Slot) -> &mut Vec<u8> {
    let [first, second, third, fourth, fifth] = roots;
    match slot {
        Slot::First => first,
        Slot::Second => second,
        Slot::FirstKeepsake => third,
        Slot::SecondKeepsake => fourth,
        Slot::Closing => fifth,
    }
}

fn crash() -> io::Error {
    io::Error::other("the simulated machine is down")
}

/// Steele, Lea, Flood 2014. Decides what survives a crash; nothing secret hangs on it.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

const SECTOR: usize = 512;
