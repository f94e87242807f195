//! What is in memory stays there and does not outlast its use.
//!
//! [`shield`] asks the system for what a process can ask for: no core dump, no other process that looks in, no page in
//! swap. What a process leaves behind by itself is wiped: the heap by the programs' allocator, when memory is freed; stacks
//! by [`wipe_stacks`], when an account is locked.

use crate::Error;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use zeroize::Zeroize;

/// Whether nothing of this process can go to swap.
static LOCKED: OnceLock<bool> = OnceLock::new();

/// For the beginning of a program, before any secret is there. What the system does not grant is not there: see
/// `may_be_swapped`.
pub fn shield() {
    let locked = system::shield();
    // A second call changes nothing.
    let _ = LOCKED.set(locked);
}

/// Whether what is in memory may be written to a disk by this machine: pages could not be locked, and there is swap.
pub(crate) fn may_be_swapped() -> bool {
    !LOCKED.get().copied().unwrap_or_default() && system::has_swap()
}

/// Runs work that handles secrets and blocks, on a thread of its own whose stack is wiped after it.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let (done, result) = oneshot::channel();
    let work = move || {
        // Fails only if nobody waits for it any more.
        let _ = done.send(work());
        wipe_stack();
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(Error::internal)?;
    result.await.map_err(Error::internal)
}

/// Wipes what was left on the stacks of this thread and of the runtime's.
pub(crate) async fn wipe_stacks() {
    wipe_stack();
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    // Each waits until all are there, so that no thread takes two of them.
    let gathering = Arc::new((Mutex::new(0), Condvar::new()));
    let wiping: Vec<_> = (0..threads)
        .map(|_| {
            let gathering = Arc::clone(&gathering);
            tokio::spawn(async move {
                wipe_stack();
                let (count, changed) = &*gathering;
                let mut there = count.lock().unwrap_or_else(PoisonError::into_inner);
                *there += 1;
                changed.notify_all();
                drop(changed.wait_timeout_while(there, GATHERING, |there| *there < threads));
            })
        })
        .collect();
    for wiped in wiping {
        // Fails only if the runtime ends, and its threads with it.
        let _ = wiped.await;
    }
}

/// Overwrites the part of this thread's stack that calls before this one may have used.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut left = [0_u8; STACK];
    left.zeroize();
    std::hint::black_box(&left);
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
    use rustix::thread::{CapabilitySet, capabilities};

    pub(super) fn shield() -> bool {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "core dumps could not be switched off");
        }
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "other processes could not be kept from looking in");
        }
        // With a limit, memory that is needed later would not be had at all.
        let unlimited = getrlimit(Resource::Memlock).maximum.is_none();
        let may = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
        if unlimited && !may {
            let all = Rlimit {
                current: None,
                maximum: None,
            };
            let _ = setrlimit(Resource::Memlock, all);
        }
        let pages = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        (unlimited || may) && mlockall(pages).is_ok()
    }

    /// Swap that is not itself memory.
    pub(super) fn has_swap() -> bool {
        let Ok(table) = std::fs::read_to_string("/proc/swaps") else {
            return true;
        };
        table.lines().skip(1).any(|line| !line.starts_with("/dev/zram"))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn shield() -> bool {
        false
    }

    /// macOS encrypts its swap under a key that is gone when it is switched off.
    pub(super) fn has_swap() -> bool {
        !cfg!(target_os = "macos")
    }
}

/// Half of what a thread has.
const STACK: usize = 1 << 20;

/// For a thread that is busy with something else.
const GATHERING: Duration = Duration::from_millis(200);
