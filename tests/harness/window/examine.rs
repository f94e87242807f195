//! What a machine can find wrong with a screen: what axe finds, what is cut off, what the page complained of.

use super::{DRAWN, THEME, Window};
use serde_json::{Value, json};
use std::path::Path;

impl Window {
    /// A picture for people, and everything that machines find wrong with what is shown, in each theme.
    ///
    /// # Panics
    /// If something is wrong.
    pub async fn examine(&self, name: &str) {
        self.picture(name).await;
        let mut faults = Vec::new();
        for theme in ["light", "dark"] {
            self.run(THEME, &[json!(theme)]).await;
            self.driver.later(DRAWN, &[]).await.expect("a frame");
            faults.extend(self.faults().await.into_iter().map(|fault| format!("{theme}: {fault}")));
        }
        self.run(THEME, &[Value::Null]).await;
        assert_eq!(faults, Vec::<String>::new(), "on the screen {name}");
    }

    /// What axe calls serious or critical, and what does not fit into the window.
    pub async fn faults(&self) -> Vec<String> {
        if self.run("return typeof window.axe", &[]).await == "undefined" {
            self.run(&axe(), &[]).await;
        }
        let found = self.driver.later(FAULTS, &[]).await.expect("axe runs");
        let found = found.as_array().expect("a list");
        found
            .iter()
            .filter_map(|fault| fault.as_str().map(str::to_owned))
            .collect()
    }
}

/// The library as it is installed for the page's own tests; the page itself never has it.
fn axe() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(file).expect("axe is there after `scripts/ui install`")
}

/// Tells each fault as one line.
const FAULTS: &str = "
    const [tell] = arguments;
    const { scrollWidth } = document.documentElement;
    const wide = scrollWidth > innerWidth ? [`wider than the window: ${scrollWidth} > ${innerWidth}`] : [];
    const grave = ({ impact }) => impact === 'serious' || impact === 'critical';
    const line = ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' and ')}`;
    axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => tell([...wide, ...violations.filter(grave).map(line)]),
        (error) => tell([`axe did not run: ${error}`]),
    );
";
