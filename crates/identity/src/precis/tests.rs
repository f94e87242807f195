use super::*;
use outis_crypto::{hash, label};

/// What nicknames and passwords make of every code point there is. If this changes, somebody's account changes: find the
/// dependency or the toolchain whose tables moved, and keep the old ones.
#[test]
fn what_happens_to_every_code_point_is_pinned() {
    let mut verdicts = Vec::new();
    let mut accepted = (0, 0);
    for c in '\0'..=char::MAX {
        let text = c.to_string();
        // After a letter, so that marks have something to stand on; and in front of one, for words from right to left.
        let opaque = opaque_string(&format!("a{c}")).map(|opaque| opaque.to_string());
        for outcome in [
            username_case_mapped(&text),
            username_case_mapped(&format!("a{c}")),
            opaque,
        ] {
            verdicts.extend_from_slice(outcome.as_deref().unwrap_or("\0").as_bytes());
            verdicts.push(b'\n');
        }
        accepted.0 += usize::from(username_case_mapped(&text).is_ok());
        accepted.1 += usize::from(opaque_string(&text).is_ok());
    }
    let digest = hex::encode(hash(label::ACCOUNT_SALT, &[&verdicts]));
    let pinned = include_str!("../../../../tests/vectors/identity-unicode.txt");
    let pinned = pinned.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
    assert_eq!(format!("{} {} {digest}", accepted.0, accepted.1), pinned);
}

#[test]
fn applying_the_rule_twice_changes_nothing() {
    for c in '\0'..=char::MAX {
        if let Ok(once) = username_case_mapped(&c.to_string()) {
            assert_eq!(username_case_mapped(&once).as_ref(), Ok(&once), "{c:?}");
        }
        if let Ok(once) = opaque_string(&c.to_string()) {
            assert_eq!(opaque_string(&once).as_ref(), Ok(&once), "{c:?}");
        }
    }
}

#[test]
fn characters_that_need_a_neighbour_are_accepted_beside_it_only() {
    for (good, bad) in [
        ("col\u{b7}legi", "co\u{b7}legi"),
        ("\u{375}α", "α\u{375}"),
        ("א\u{5f3}", "\u{5f3}א"),
        ("ア\u{30fb}イ", "a\u{30fb}b"),
        ("ا\u{661}", "ا\u{661}\u{6f1}"),
    ] {
        assert!(
            username_case_mapped(good).is_ok(),
            "{good:?}: {:?}",
            username_case_mapped(good)
        );
        assert!(username_case_mapped(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_word_has_one_direction() {
    for good in ["שלום", "سلام", "سلام123", "abc123", "123", "א1"] {
        assert!(username_case_mapped(good).is_ok(), "{good}");
    }
    for bad in ["אa", "aא", "1א", "א-", "ا1\u{661}"] {
        assert_eq!(username_case_mapped(bad), Err(Forbidden::Direction), "{bad}");
    }
}
