//! What the demonstration prints.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// A story, told line by line on standard output.
pub(crate) struct Show {
    begun: Instant,
    terminal: bool,
    last_bar: Option<Instant>,
}

impl Show {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            terminal: std::io::stdout().is_terminal(),
            last_bar: None,
        }
    }

    /// Something that happened.
    pub(crate) fn step(&mut self, text: &str) {
        let seconds = self.begun.elapsed().as_secs_f32();
        print(&format!("{seconds:6.1} s  {text}\n"));
    }

    /// More about it.
    pub(crate) fn detail(&mut self, text: &str) {
        print(&format!("            {text}\n"));
    }

    /// How far something is: a bar that moves on a terminal, nothing elsewhere.
    pub(crate) fn progress(&mut self, done: u64, total: u64) {
        let due = self.last_bar.is_none_or(|last| last.elapsed() > BAR_PAUSE) || done == total;
        if !self.terminal || !due {
            return;
        }
        self.last_bar = Some(Instant::now());
        let filled = usize::try_from(done.saturating_mul(BAR as u64) / total.max(1))
            .unwrap_or(BAR)
            .min(BAR);
        let (full, empty) = ("█".repeat(filled), "░".repeat(BAR - filled));
        print(&format!(
            "\r          {full}{empty} {} of {}  ",
            bytes(done),
            bytes(total)
        ));
    }

    pub(crate) fn progress_ends(&mut self) {
        if self.last_bar.take().is_some() {
            print("\n");
        }
    }

    /// The last line.
    pub(crate) fn verified(&mut self, text: &str) {
        print(&format!("\n{text}\n"));
    }
}

/// A size for a person.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", count as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.2} GiB", count as f64 / 1_073_741_824.0),
    }
}

fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    // A reader that went away has seen enough.
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

const BAR: usize = 40;
const BAR_PAUSE: Duration = Duration::from_millis(50);
