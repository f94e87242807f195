use super::*;
use crate::{Nickname, Password};

/// The 10 000 commonest passwords of the leaks that zxcvbn's own list was made from.
const COMMON: &str = include_str!("../../../../tests/vectors/identity-common-passwords.txt");

#[test]
fn the_ten_thousand_commonest_passwords_are_refused_with_and_without_the_nickname() {
    assert_eq!(COMMON.lines().count(), 10_000);
    for common in COMMON.lines() {
        assert!(!strength("odysseus", common).acceptable, "{common}");
        assert!(
            !strength("odysseus", &format!("odysseus{common}")).acceptable,
            "odysseus{common}"
        );
        assert!(
            !strength("odysseus", &format!("{common}Odysseus1")).acceptable,
            "{common}Odysseus1"
        );
    }
}

#[test]
fn what_is_hard_to_guess_is_accepted() {
    for good in [
        "orbit velvet famous cattle winter lemon sight",
        "kX9#vTq2!mLw8$",
        "Zr7-pQ4-Wn1-Ld9-xx3",
    ] {
        let strength = strength("ada", good);
        assert!(
            strength.acceptable && strength.advice.is_empty(),
            "{good}: {strength:?}"
        );
        assert!(strength.bits > 46.0);
    }
}

#[test]
fn knowing_the_nickname_makes_a_password_weaker() {
    let password = "xenophanesvonkolophon";
    assert!(strength("ada", password).bits > strength("XenophanesVonKolophon", password).bits + 20.0);
    assert!(
        strength("XenophanesVonKolophon", password)
            .advice
            .contains(&Advice::ContainsNickname)
    );
    assert!(
        !strength("XenophanesVonKolophon", "nohpoloknovsenahponex").acceptable,
        "backwards is no better"
    );
}

#[test]
fn advice_says_what_is_weak() {
    let advice = |password: &str| strength("ada", password).advice;
    assert!(advice("password").contains(&Advice::CommonPassword));
    assert!(advice("zxcvfrewq").contains(&Advice::KeyboardPattern));
    assert!(advice("abcabcabc").contains(&Advice::Repetition));
    assert!(advice("23.12.1987").contains(&Advice::Dates));
    assert!(advice("abcdefgh").contains(&Advice::Sequence) || advice("abcdefgh").contains(&Advice::CommonPassword));
    assert!(advice("gh7Kq").contains(&Advice::MoreWords));
}

#[test]
fn nothing_and_far_too_much_are_judged_without_harm() {
    assert!(!strength("", "").acceptable);
    assert_eq!(strength("ada", "").bits, 0.0);
    assert!(
        strength("ada", &"correct horse battery staple ".repeat(35))
            .bits
            .is_finite()
    );
    assert!(!strength("ada", &"a".repeat(1024)).acceptable);
}

#[test]
fn a_weak_password_still_signs_in() {
    assert!(Nickname::parse("ada").is_ok() && Password::parse("password").is_ok());
}
