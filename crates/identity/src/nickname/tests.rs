use super::*;

/// Pairs of spellings and what they are to each other: `same`, `different`, or `refused` (the second one).
#[test]
fn two_hundred_pairs_of_spellings_are_one_account_or_two_or_refused() {
    let vector = include_str!("../../../../tests/vectors/identity-nicknames.txt");
    let mut pairs = 0;
    for line in vector.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [verdict, one, other] = line
            .split('\t')
            .take(3)
            .collect::<Vec<_>>()
            .try_into()
            .expect("three fields");
        let (one, other) = (unescape(one), unescape(other));
        let first = Nickname::parse(&one).unwrap_or_else(|error| panic!("{line}: {error}"));
        match (verdict, Nickname::parse(&other)) {
            ("same", Ok(second)) => assert_eq!(first.canonical(), second.canonical(), "{line}"),
            ("different", Ok(second)) => assert_ne!(first.canonical(), second.canonical(), "{line}"),
            ("refused", Err(_)) => {}
            (_, outcome) => panic!("{line}: {:?}", outcome.map(|nickname| nickname.canonical().to_owned())),
        }
        pairs += 1;
    }
    assert!(pairs >= 200, "{pairs}");
}

#[test]
fn the_name_as_typed_is_kept() {
    let nickname = Nickname::parse("ＡdA").unwrap();
    assert_eq!((nickname.as_typed(), nickname.canonical()), ("ＡdA", "ada"));
    assert_eq!(nickname, Nickname::parse("ada").unwrap());
}

#[test]
fn length_is_counted_as_people_count() {
    assert_eq!(Nickname::parse(""), Err(NicknameError::Empty));
    assert!(Nickname::parse(&"a".repeat(32)).is_ok());
    assert_eq!(Nickname::parse(&"a".repeat(33)), Err(NicknameError::TooLong));
    assert!(
        Nickname::parse(&"न्द्रे".repeat(16)).is_ok(),
        "six code points that are one or two graphemes"
    );
    assert_eq!(Nickname::parse(&"q\u{304}".repeat(33)), Err(NicknameError::TooLong));
    assert_eq!(Nickname::parse(&"a".repeat(100_000)), Err(NicknameError::TooLong));
}

#[test]
fn each_mistake_has_its_own_error() {
    assert_eq!(Nickname::parse("a b"), Err(NicknameError::Space));
    assert_eq!(Nickname::parse("a\u{3000}b"), Err(NicknameError::Space));
    assert_eq!(Nickname::parse("a\nb"), Err(NicknameError::Space));
    assert_eq!(Nickname::parse("a☠"), Err(NicknameError::Character('☠')));
    assert_eq!(Nickname::parse("a\u{200d}b"), Err(NicknameError::Invisible('\u{200d}')));
    assert_eq!(Nickname::parse("a\u{202e}b"), Err(NicknameError::Invisible('\u{202e}')));
    assert_eq!(Nickname::parse("a\u{378}"), Err(NicknameError::Unassigned('\u{378}')));
    assert_eq!(
        Nickname::parse(&format!("a{}", "\u{331}".repeat(5))),
        Err(NicknameError::TooManyMarks)
    );
    assert_eq!(Nickname::parse("abcשלום"), Err(NicknameError::Direction));
}

#[test]
fn a_canonical_form_is_its_own_canonical_form() {
    for text in ["Straße", "ΟΔΥΣΣΕΥΣ", "İstanbul", "ǅ", "Ꭰ", "ﾊﾞﾅﾅ", "য়", "Ω", "Ñandú"] {
        if let Ok(nickname) = Nickname::parse(text) {
            assert_eq!(
                Nickname::parse(nickname.canonical()).unwrap().canonical(),
                nickname.canonical(),
                "{text}"
            );
        }
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
