//! Known bytes that must be nowhere, in all forms in which they would give themselves away.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Canaries in all forms in which they would give themselves away.
pub struct Needles {
    forms: Vec<(String, Vec<u8>)>,
    /// By their first two bytes, so that one pass over all bytes is enough.
    by_start: Vec<Vec<usize>>,
}

impl Default for Needles {
    fn default() -> Self {
        Self {
            forms: Vec::new(),
            by_start: vec![Vec::new(); 1 << 16],
        }
    }
}

impl Needles {
    /// Looks for this too, by this name: raw, in hex, in base64, in UTF-16, as a list of numbers.
    pub fn add(&mut self, name: &str, canary: &[u8]) {
        let hex: String = canary.iter().map(|byte| format!("{byte:02x}")).collect();
        let listed: Vec<String> = canary.iter().map(u8::to_string).collect();
        let mut forms = vec![
            ("raw", canary.to_vec()),
            ("hex", hex.to_uppercase().into_bytes()),
            ("hex", hex.into_bytes()),
            ("a list of bytes", listed.join(", ").into_bytes()),
            ("UTF-16", canary.iter().flat_map(|byte| [*byte, 0]).collect()),
            (
                "UTF-16, big-endian",
                canary.iter().flat_map(|byte| [0, *byte]).collect(),
            ),
        ];
        for shift in 0..3 {
            let base64 = base64_core(canary, shift);
            let url = String::from_utf8_lossy(&base64).replace('+', "-").replace('/', "_");
            forms.extend([("base64", base64), ("base64 for URLs", url.into_bytes())]);
        }
        for (form, bytes) in forms {
            self.add_exactly(&format!("{name} ({form})"), bytes);
        }
    }

    /// Looks for these bytes and for no other form of them.
    pub fn add_exactly(&mut self, name: &str, bytes: Vec<u8>) {
        let start = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        self.by_start[start].push(self.forms.len());
        self.forms.push((name.to_owned(), bytes));
    }

    /// What is found in the files below a folder, and in their names.
    pub fn hits(&self, dir: &Path) -> Vec<String> {
        let mut hits = Vec::new();
        for path in files(dir) {
            let name = path
                .strip_prefix(dir)
                .expect("a file below it")
                .to_string_lossy()
                .into_owned();
            let mut bytes = format!("{name}\n").into_bytes();
            if path.is_file() {
                bytes.extend(std::fs::read(&path).expect("a file below it"));
            }
            let found = self.in_bytes(&bytes);
            hits.extend(found.into_iter().map(|needle| format!("{needle} in {name}")));
        }
        hits
    }

    /// The needles in some bytes, in one pass. A plain loop: logs are large, and tests are compiled in a hurry.
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut start = 0;
        for (next, byte) in bytes.iter().enumerate() {
            start = (start << 8 | usize::from(*byte)) & 0xffff;
            if next == 0 || self.by_start[start].is_empty() {
                continue;
            }
            for index in &self.by_start[start] {
                let (name, needle) = &self.forms[*index];
                if bytes[next - 1..].starts_with(needle) {
                    found.insert(name.as_str());
                }
            }
        }
        found
    }

    /// The positive control: each form is found in the middle of these bytes, in which there is none.
    pub fn control(&self, around: &[u8]) {
        assert_eq!(self.in_bytes(around), BTreeSet::new());
        for (name, needle) in &self.forms {
            let (before, after) = around.split_at(around.len() / 7 * 5);
            let planted = [before, needle, after].concat();
            assert!(self.in_bytes(&planted).contains(name.as_str()), "{name} is not found");
        }
    }
}

/// Everything below a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found
}

/// Base64 of it at an alignment, without the characters that depend on the neighbours.
fn base64_core(canary: &[u8], shift: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(canary.iter().copied()).collect();
    let encoded = padded.chunks_exact(3).flat_map(|chunk| {
        let bits = u32::from_be_bytes([0, chunk[0], chunk[1], chunk[2]]);
        [18, 12, 6, 0].map(|shift| ALPHABET[((bits >> shift) & 63) as usize])
    });
    encoded.skip(4).collect()
}
