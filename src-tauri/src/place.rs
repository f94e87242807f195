//! Where the window was, and whether it still may be there.

use serde::{Deserialize, Serialize};
use tauri::{Monitor, PhysicalPosition, PhysicalSize, WebviewWindow};

/// A window's place on its screens, in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    x: i32,
    y: i32,
    width: u32,
    height: u32,
    maximized: bool,
}

impl Place {
    /// Where it is now; nothing while it is not to be seen.
    pub(crate) fn of(window: &WebviewWindow) -> Option<Self> {
        if !window.is_visible().ok()? || window.is_minimized().ok()? {
            return None;
        }
        let (position, size) = (window.outer_position().ok()?, window.inner_size().ok()?);
        Some(Self {
            x: position.x,
            y: position.y,
            width: size.width,
            height: size.height,
            maximized: window.is_maximized().ok()?,
        })
    }

    /// Puts it back there, if enough of it would be on a screen.
    pub(crate) fn restore(self, window: &WebviewWindow) -> tauri::Result<()> {
        if self.is_on_one_of(&window.available_monitors()?) {
            window.set_size(PhysicalSize::new(self.width, self.height))?;
            window.set_position(PhysicalPosition::new(self.x, self.y))?;
        }
        if self.maximized {
            window.maximize()?;
        }
        Ok(())
    }

    fn is_on_one_of(self, monitors: &[Monitor]) -> bool {
        monitors.iter().any(|monitor| {
            let (at, size) = (monitor.position(), monitor.size());
            self.is_within(at.x, at.y, size.width, size.height)
        })
    }

    /// Whether its title bar's middle is within this screen, so that it can be seen and moved.
    fn is_within(self, left: i32, top: i32, width: u32, height: u32) -> bool {
        let middle = i64::from(self.x) + i64::from(self.width / 2);
        let within =
            |at: i64, from: i32, length: u32| (i64::from(from)..i64::from(from) + i64::from(length)).contains(&at);
        self.width > 0 && self.height > 0 && within(middle, left, width) && within(i64::from(self.y), top, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_goes_back_only_to_where_it_can_be_seen() {
        let place = |x, y| Place {
            x,
            y,
            width: 800,
            height: 600,
            maximized: false,
        };
        assert!(place(100, 100).is_within(0, 0, 1920, 1080));
        assert!(place(-300, 0).is_within(0, 0, 1920, 1080), "half of it is there");
        for gone in [
            place(-500, 0),
            place(1900, 0),
            place(0, -1),
            place(0, 1080),
            place(i32::MAX, i32::MAX),
        ] {
            assert!(!gone.is_within(0, 0, 1920, 1080), "{gone:?}");
        }
        assert!(place(2000, 50).is_within(1920, 0, 1920, 1080), "on a second screen");
    }
}
