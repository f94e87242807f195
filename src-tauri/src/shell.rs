//! What the program is on this machine beside its page: words, choices, whether it hides or ends.

use crate::{place::Place, tray::Tray};
use outis_app::dto::ShellWords;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// One a process, managed by Tauri.
pub(crate) struct Shell {
    file: PathBuf,
    record: Mutex<Record>,
    words: Mutex<ShellWords>,
    tray: OnceLock<Tray>,
    /// The person said so, or the system did: nothing keeps the program any more.
    leaving: AtomicBool,
    /// It ends to begin anew; with or without its window to be seen.
    renewing: OnceLock<bool>,
}

/// What is remembered of this machine, in the clear: nothing in it is anybody's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// That closing only hides was said once.
    pub(crate) told_of_tray: bool,
    pub(crate) place: Option<Place>,
}

/// What closing the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Nobody sees it, and the tray brings it back. `tell` if that was never said.
    Hides { tell: bool },
    /// The program ends.
    Ends,
}

impl Shell {
    /// Takes up what was remembered in `folder`; what cannot be read is as if nothing was.
    pub(crate) fn open(folder: &Path) -> Self {
        let file = folder.join("window.json");
        let remembered = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            file,
            record: Mutex::new(remembered.unwrap_or_default()),
            words: Mutex::new(in_english()),
            tray: OnceLock::new(),
            leaving: AtomicBool::new(false),
            renewing: OnceLock::new(),
        }
    }

    pub(crate) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    /// Changes what is remembered.
    pub(crate) fn remember(&self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        let mut record = lock(&self.record);
        let mut changed = record.clone();
        change(&mut changed);
        if changed == *record {
            return Ok(());
        }
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        // Half of it is as good as nothing: it is written beside and put in place whole.
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(&changed)?)?;
        fs::rename(fresh, &self.file)?;
        *record = changed;
        Ok(())
    }

    pub(crate) fn words(&self) -> ShellWords {
        lock(&self.words).clone()
    }

    pub(crate) fn say(&self, words: ShellWords) {
        if let Some(tray) = self.tray() {
            tray.say(&words);
        }
        *lock(&self.words) = words;
    }

    pub(crate) fn tray(&self) -> Option<&Tray> {
        self.tray.get()
    }

    /// At most once.
    pub(crate) fn give_tray(&self, tray: Tray) {
        // The first one stays.
        let _ = self.tray.set(tray);
    }

    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn renew(&self, hidden: bool) {
        self.leave();
        // Asked twice, it is done once.
        let _ = self.renewing.set(hidden);
    }

    pub(crate) fn renewing(&self) -> Option<bool> {
        self.renewing.get().copied()
    }

    pub(crate) fn closing(&self) -> Closing {
        closing(self.tray().is_some(), self.is_leaving(), &self.record())
    }
}

fn closing(tray: bool, leaving: bool, record: &Record) -> Closing {
    if tray && !leaving {
        Closing::Hides {
            tell: !record.told_of_tray,
        }
    } else {
        Closing::Ends
    }
}

/// Until the page says them in its own language.
fn in_english() -> ShellWords {
    ShellWords {
        open: "Open Outis".to_owned(),
        lock: "Lock".to_owned(),
        quit: "Quit".to_owned(),
        message: "There is something new.".to_owned(),
        request: "Somebody would like to talk to you.".to_owned(),
        hidden: "Outis goes on without its window. You find it in the tray.".to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds the lock panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_hides_only_where_a_tray_brings_the_window_back_and_says_so_once() {
        let mut record = Record::default();
        assert_eq!(closing(true, false, &record), Closing::Hides { tell: true });
        record.told_of_tray = true;
        assert_eq!(closing(true, false, &record), Closing::Hides { tell: false });
        assert_eq!(closing(false, false, &record), Closing::Ends);
        assert_eq!(closing(true, true, &record), Closing::Ends, "who says Quit means it");
    }

    #[test]
    fn what_was_told_is_known_after_a_restart_and_a_damaged_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell::open(folder.path());
        assert!(!shell.record().told_of_tray);
        shell.remember(|record| record.told_of_tray = true).unwrap();
        assert!(Shell::open(folder.path()).record().told_of_tray);
        fs::write(folder.path().join("window.json"), b"{\"told_of").unwrap();
        assert!(!Shell::open(folder.path()).record().told_of_tray);
    }
}
