//! Credit: how many cells of data may be under way in one direction of a circuit.
//!
//! Only the two ends count. A relay between them sees cells; it queues up to [`QUEUE`] for a neighbour that does not take
//! them, which an honest pair of ends cannot exceed, and ends the circuit at one more. So neither a stalled neighbour nor an
//! end that gives credit for what it has not read makes a relay hold more than that.

/// Cells of data that may be under way in one direction: with a round trip of 300 ms, 3.9 MB a second.
pub const WINDOW: u16 = 256;

/// Credit is given when so many cells were taken.
pub const STEP: u16 = 32;

/// Cells that a relay queues in one direction of a circuit before it ends it: a window, what is said besides, and a spare
/// for each.
pub const QUEUE: usize = (WINDOW + WINDOW / STEP + 24) as usize;

/// The sender's count.
#[derive(Debug)]
pub struct SendWindow(u16);

impl SendWindow {
    /// A whole window.
    pub fn new() -> Self {
        Self(WINDOW)
    }

    /// How many cells of data may be sent now.
    pub fn left(&self) -> u16 {
        self.0
    }

    /// Takes one; `false` if there is none, and nothing may be sent.
    #[must_use]
    pub fn take(&mut self) -> bool {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    /// What [`crate::Command::Credit`] gave.
    ///
    /// # Errors
    /// [`Overrun`] ends the circuit: more than was ever under way.
    pub fn add(&mut self, cells: u16) -> Result<(), Overrun> {
        match self.0.checked_add(cells) {
            Some(left) if left <= WINDOW => {
                self.0 = left;
                Ok(())
            }
            _ => Err(Overrun),
        }
    }
}

impl Default for SendWindow {
    fn default() -> Self {
        Self::new()
    }
}

/// The receiver's count.
#[derive(Debug)]
pub struct ReceiveWindow {
    /// Cells that may still come.
    left: u16,
    /// Cells taken, for which no credit was given yet.
    taken: u16,
}

impl ReceiveWindow {
    /// A whole window.
    pub fn new() -> Self {
        Self { left: WINDOW, taken: 0 }
    }

    /// A cell of data came.
    ///
    /// # Errors
    /// [`Overrun`] ends the circuit: it was not to come yet.
    pub fn came(&mut self) -> Result<(), Overrun> {
        self.left = self.left.checked_sub(1).ok_or(Overrun)?;
        Ok(())
    }

    /// A cell that came was taken by whoever reads. Gives the credit to send, when it is time to.
    #[must_use]
    pub fn taken(&mut self) -> Option<u16> {
        let outstanding = WINDOW.saturating_sub(self.left);
        self.taken = self.taken.saturating_add(1).min(outstanding);
        if self.taken < STEP {
            return None;
        }
        let credit = std::mem::take(&mut self.taken);
        self.left = self.left.saturating_add(credit);
        Some(credit)
    }
}

impl Default for ReceiveWindow {
    fn default() -> Self {
        Self::new()
    }
}

/// More cells than were allowed, or more credit than was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other end does not keep to its window")]
pub struct Overrun;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_all_that_is_ever_under_way() {
        let (mut sender, mut receiver) = (SendWindow::new(), ReceiveWindow::new());
        let (mut under_way, mut queued, mut passed) = (0u32, 0u32, 0u32);
        for step in 0..100_000u32 {
            if sender.take() {
                under_way += 1;
            }
            if under_way > 0 && !step.is_multiple_of(3) {
                under_way -= 1;
                receiver.came().unwrap();
                queued += 1;
            }
            if queued > 0 && !step.is_multiple_of(5) {
                queued -= 1;
                passed += 1;
                if let Some(credit) = receiver.taken() {
                    sender.add(credit).unwrap();
                }
            }
            assert!(under_way + queued <= u32::from(WINDOW));
        }
        assert!(passed > 50_000, "{passed}");
    }

    #[test]
    fn a_sender_without_credit_stops_at_a_window_and_a_reader_lets_it_go_on() {
        let (mut sender, mut receiver) = (SendWindow::new(), ReceiveWindow::new());
        while sender.take() {
            receiver.came().unwrap();
        }
        assert_eq!(sender.left(), 0);
        let credit = (0..WINDOW)
            .filter_map(|_| receiver.taken())
            .inspect(|credit| assert_eq!(*credit, STEP));
        credit.for_each(|credit| sender.add(credit).unwrap());
        assert_eq!(sender.left(), WINDOW);
    }

    #[test]
    fn a_cell_too_many_and_credit_for_nothing_are_overruns() {
        let mut receiver = ReceiveWindow::new();
        (0..WINDOW).for_each(|_| receiver.came().unwrap());
        assert_eq!(receiver.came(), Err(Overrun));
        let mut sender = SendWindow::new();
        assert_eq!(sender.add(1), Err(Overrun));
        assert!(sender.take());
        assert_eq!(sender.add(1), Ok(()));
        assert_eq!(sender.add(u16::MAX), Err(Overrun));
    }

    #[test]
    fn taking_what_never_came_gives_no_credit() {
        let mut receiver = ReceiveWindow::new();
        assert!((0..1_000).all(|_| receiver.taken().is_none()));
    }
}
