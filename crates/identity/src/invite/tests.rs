use super::*;
use outis_crypto::{Secret, signature::SigningKey};
use proptest::prelude::*;

fn address() -> Address {
    Address::new(SigningKey::from_seed(&Secret::from_bytes([1; 32])).verifying_key())
}

fn full() -> Invite {
    Invite {
        address: address(),
        nickname: Some(Nickname::parse("Zoë&=%?").unwrap()),
        token: InviteToken::from_bytes(&[0, 1, 0xab, 0xff]),
        bootstrap: vec![
            "/ip4/192.0.2.1/udp/4040/quic-v1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN".into(),
            "/ip6/2001:db8::1/tcp/4040".into(),
        ],
    }
}

#[test]
fn golden_invites() {
    let vector = include_str!("../../../../tests/vectors/identity-invite.txt");
    let lines: Vec<&str> = vector.lines().filter(|line| !line.starts_with('#')).collect();
    for (invite, text) in [Invite::new(address()), full()].iter().zip(lines) {
        assert_eq!(invite.to_string(), text);
        assert!(text.parse::<Invite>().unwrap() == *invite);
    }
}

#[test]
fn an_address_alone_is_an_invite_and_space_and_case_do_not_matter() {
    let bare = Invite::new(address());
    assert!(address().to_string().parse::<Invite>().unwrap() == bare);
    assert!(
        format!(" OUTIS:{} ", address().to_string().to_uppercase())
            .parse::<Invite>()
            .unwrap()
            == bare
    );
    assert!(format!("outis:{}?", address()).parse::<Invite>().unwrap() == bare);
}

#[test]
fn escapes_that_need_not_be_there_and_parameters_of_later_versions_are_read_over() {
    let read: Invite = format!("outis:{}?future=1&n=%41d%61&b=%2fip4%2F192.0.2.1", address())
        .parse()
        .unwrap();
    assert_eq!(read.nickname.unwrap().as_typed(), "Ada");
    assert_eq!(read.bootstrap, ["/ip4/192.0.2.1"]);
}

#[test]
fn each_mistake_has_its_own_error() {
    let parse = |rest: &str| format!("outis:{}{rest}", address()).parse::<Invite>().unwrap_err();
    assert_eq!(parse("x"), InviteError::Address(AddressError::WrongLength));
    assert_eq!(parse("?n"), InviteError::Malformed);
    assert_eq!(parse("?n=%4"), InviteError::Malformed);
    assert_eq!(parse("?n=%ff"), InviteError::Malformed);
    assert_eq!(parse("?n=a&n=b"), InviteError::Malformed);
    assert_eq!(
        parse("?n=%E2%80%AEevil"),
        InviteError::Nickname(NicknameError::Invisible('\u{202e}'))
    );
    assert_eq!(parse("?n="), InviteError::Nickname(NicknameError::Empty));
    assert_eq!(parse("?t="), InviteError::Token);
    assert_eq!(parse("?t=AB"), InviteError::Token);
    assert_eq!(parse("?t=abc"), InviteError::Token);
    assert_eq!(parse(&format!("?t={}", "00".repeat(257))), InviteError::Token);
    assert_eq!(parse("?b=example.org"), InviteError::Hints);
    assert_eq!(parse("?b=/a%0Ab"), InviteError::Hints);
    assert_eq!(parse(&format!("?b=/{}", "a".repeat(256))), InviteError::Hints);
    assert_eq!(parse(&format!("?{}", "b=/a&".repeat(9))), InviteError::Hints);
    assert_eq!(parse(&format!("?{}", "x=1&".repeat(3000))), InviteError::TooLong);
}

#[test]
fn what_a_link_could_not_carry_is_not_written_into_it() {
    let mut invite = Invite::new(address());
    invite.bootstrap = vec!["/a".into(); 20];
    invite.bootstrap.push("not a multiaddr".into());
    assert_eq!(
        invite.to_string().parse::<Invite>().unwrap().bootstrap.len(),
        Invite::MAX_HINTS
    );
}

#[test]
fn the_longest_invite_is_read_back() {
    let mut invite = full();
    invite.nickname = Some(Nickname::parse(&"न्द्रे".repeat(16)).unwrap());
    invite.token = InviteToken::from_bytes(&[7; InviteToken::MAX_BYTES]);
    invite.bootstrap = vec![format!("/{}", "%".repeat(255)); Invite::MAX_HINTS];
    assert!(invite.to_string().parse::<Invite>().unwrap() == invite);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(tail in ".{0,80}") {
        let _ = tail.parse::<Invite>();
        let _ = format!("outis:{}?{tail}", address()).parse::<Invite>();
    }

    #[test]
    fn what_is_read_is_written_and_read_the_same(nickname in "[a-zA-Z%&=+#]{1,20}", token in proptest::collection::vec(any::<u8>(), 1..40), hints in proptest::collection::vec("/[!-~]{0,40}", 0..8)) {
        let invite = Invite { address: address(), nickname: Nickname::parse(&nickname).ok(), token: InviteToken::from_bytes(&token), bootstrap: hints };
        prop_assert!(invite.to_string().parse::<Invite>().unwrap() == invite);
    }
}
