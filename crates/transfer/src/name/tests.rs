use super::*;
use proptest::prelude::*;

pub(crate) fn hostile() -> Vec<String> {
    let vector = include_str!("../../../../tests/vectors/transfer-hostile-names.txt");
    vector
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| unescape(line.strip_suffix('|').unwrap()))
        .collect()
}

fn assert_safe(name: &str, from: &str) {
    assert!(!name.is_empty() && name.len() <= MAX_BYTES, "{from:?} → {name:?}");
    assert!(
        !name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|', '\0']),
        "{from:?} → {name:?}"
    );
    assert!(
        !name
            .chars()
            .any(|c| c.is_control() || is_invisible(c) || is_dangerous(c)),
        "{from:?} → {name:?}"
    );
    assert!(
        !name.starts_with(['.', ' ', '-', '~']) && !name.ends_with(['.', ' ']),
        "{from:?} → {name:?}"
    );
    let stem = name.split('.').next().unwrap().trim_end().to_uppercase();
    for device in [
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "COM1",
        "LPT9",
        "COM\u{b9}",
        "CONIN$",
        "CONOUT$",
        "CLOCK$",
    ] {
        assert_ne!(stem, device, "{from:?} → {name:?}");
    }
    // The standard library agrees that it is one plain component.
    let components: Vec<_> = std::path::Path::new(name).components().collect();
    assert!(
        matches!(components.as_slice(), [std::path::Component::Normal(_)]),
        "{from:?} → {name:?}"
    );
}

#[test]
fn two_hundred_hostile_names_become_plain_files() {
    let hostile = hostile();
    assert!(hostile.len() >= 200, "{}", hostile.len());
    for name in hostile {
        let safe = SafeName::from_untrusted(&name);
        assert_safe(safe.as_str(), &name);
        assert!(
            SafeName::from_untrusted(safe.as_str()) == safe,
            "{name:?} → {safe} is not its own nearest"
        );
        for number in [2, u32::MAX] {
            assert_safe(safe.numbered(number).as_str(), &name);
        }
    }
}

#[test]
fn most_of_them_would_have_done_harm() {
    // The control: without sanitising, a folder and the name joined leave the folder, or are no plain component.
    let folder = std::path::Path::new("/inbox");
    let escapes = hostile()
        .iter()
        .filter(|name| {
            let joined = folder.join(name.replace('\\', "/"));
            let lands = joined.components().fold(Vec::new(), |mut stack, component| {
                match component {
                    std::path::Component::ParentDir => drop(stack.pop()),
                    other => stack.push(other.as_os_str().to_owned()),
                }
                stack
            });
            lands.len() != 3 || lands.get(1).is_none_or(|folder| folder != "inbox")
        })
        .count();
    assert!(escapes >= 20, "{escapes}");
}

#[test]
fn ordinary_names_stay_as_they_are() {
    for name in [
        "photo.jpg",
        "Bericht März 2026.pdf",
        "資料.tar.gz",
        "README",
        "a - b (3).txt",
        "naïve.txt",
        "100% sure!.md",
        "x.y.z",
        "Ünïcödé 😀.png",
        "console.log",
        "communication.doc",
        "com10.txt",
    ] {
        assert_eq!(SafeName::from_untrusted(name).as_str(), name);
    }
}

#[test]
fn what_is_changed_stays_recognisable() {
    for (from, to) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\evil.exe", "evil.exe"),
        ("invoice\u{202e}gpj.exe", "invoicegpj.exe"),
        (".bashrc", "bashrc"),
        ("CON.txt", "_CON.txt"),
        ("-rf", "_-rf"),
        ("a:b?.txt", "a_b_.txt"),
        ("...", "file"),
        ("", "file"),
    ] {
        assert_eq!(SafeName::from_untrusted(from).as_str(), to, "{from:?}");
    }
}

#[test]
fn a_long_name_keeps_its_kind() {
    let long = SafeName::from_untrusted(&format!("{}.pdf", "語".repeat(200)));
    assert!(long.as_str().len() <= MAX_BYTES && long.as_str().ends_with("語.pdf"));
    let numbered = long.numbered(12);
    assert!(
        numbered.as_str().len() <= MAX_BYTES && numbered.as_str().ends_with("語 (12).pdf"),
        "{numbered}"
    );
    assert_eq!(
        SafeName::from_untrusted("photo.jpg").numbered(2).as_str(),
        "photo (2).jpg"
    );
    assert_eq!(SafeName::from_untrusted("README").numbered(3).as_str(), "README (3)");
}

proptest! {
    #[test]
    fn any_text_becomes_a_safe_name_and_a_safe_name_stays(text in "\\PC{0,60}|[\\x00-\\x7f]{0,200}|.{0,300}") {
        let safe = SafeName::from_untrusted(&text);
        assert_safe(safe.as_str(), &text);
        prop_assert!(SafeName::from_untrusted(safe.as_str()) == safe, "{text:?} → {safe}");
    }
}

fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}').unwrap();
        plain.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        plain.push_str(rest);
    }
    plain
}
