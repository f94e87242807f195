//! Keys alone, for whoever has no pointer.

use super::Window;
use serde_json::json;

impl Window {
    /// Presses keys together, such as `Control+K` or `Tab`, whatever has the focus.
    ///
    /// # Panics
    /// If there is no such key.
    pub async fn press(&self, keys: &str) {
        self.count();
        let keys: Vec<String> = keys.split('+').map(sign).collect();
        self.driver.press(&keys).await;
    }

    /// Types into whatever has the focus.
    pub async fn type_keys(&self, text: &str) {
        self.count();
        self.driver.type_keys(":focus", text).await;
    }

    /// Goes on with Tab until something has the focus, and says after how many steps.
    ///
    /// # Panics
    /// If it never gets it, or if one does not see where the focus is on the way.
    pub async fn tab_to(&self, selector: &str) -> usize {
        self.see(&format!("{selector}:not(:disabled)")).await;
        for steps in 0..MOST_STEPS {
            let focus = self.run(FOCUS, &[json!(selector)]).await;
            assert_eq!(focus["seen"], true, "the focus cannot be seen: {focus}");
            if focus["there"] == true {
                return steps;
            }
            self.press("Tab").await;
        }
        panic!("no key leads to {selector}");
    }
}

/// As WebDriver has them.
fn sign(key: &str) -> String {
    let sign = match key {
        "Control" => '\u{e009}',
        "Shift" => '\u{e008}',
        "Alt" => '\u{e00a}',
        "Tab" => '\u{e004}',
        "Enter" => '\u{e007}',
        "Escape" => '\u{e00c}',
        "Space" => ' ',
        "End" => '\u{e010}',
        "ArrowUp" => '\u{e013}',
        "ArrowDown" => '\u{e015}',
        one => match one.chars().collect::<Vec<_>>().as_slice() {
            [letter] => letter.to_ascii_lowercase(),
            _ => panic!("there is no key {one}"),
        },
    };
    sign.to_string()
}

/// More than anybody would press.
const MOST_STEPS: usize = 60;

/// Whether something has the focus, and whether one sees where the focus is: by a ring, or by a caret in a field.
const FOCUS: &str = "
    const focused = document.activeElement;
    const nowhere = focused === null || focused === document.body;
    const ring = nowhere || getComputedStyle(focused).outlineStyle !== 'none';
    const caret = !nowhere && focused.matches('input, textarea');
    return { there: !nowhere && focused.matches(arguments[0]), seen: ring || caret, at: nowhere ? '' : focused.outerHTML.slice(0, 200) };
";
