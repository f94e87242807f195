//! What lies in no file: pasted, spoken, begun to be written. And pages of conversations, as a window asks for them.

use super::files::{MINUTES, offered, until};
use outis_crypto::SecretBytes;
use outis_messenger::{
    At, Body, ContactError, FileError, Given, Message, MessageId, Metadata, NoPicture, Scope, TransferState, Voice,
};
use outis_tests::sim::{Accounts, SimNet, TestPeer, befriend};

fn spoken(bytes: &[u8]) -> Given {
    Given {
        name: "../voice:1.ogg".to_owned(),
        bytes: SecretBytes::from(bytes.to_vec()),
        voice: Voice::new(2_500, vec![0, 90, 255]),
    }
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_no_file_is_sent_and_stays_sealed_on_both_sides_with_its_message() {
    let net = SimNet::new(60, 8);
    let mut accounts = Accounts::new(&net, 60);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let bytes: Vec<u8> = (0..150_000u32).map(|index| index.to_le_bytes()[0]).collect();
    let sent = alice
        .send_bytes(&bob.address(), spoken(&bytes), Metadata::Removed)
        .expect("is offered");
    assert_eq!(sent.name, "voice_1.ogg");
    alice.crash();
    alice.start();

    let offer = bob
        .until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
        .await;
    assert_eq!(offer.voice, Voice::new(2_500, vec![0, 90, 255]));
    assert!(matches!(bob.read_file(&offer.id, 1 << 20), Err(FileError::WrongState)));
    bob.accept_file(&offer.id, None).expect("is accepted");
    until(&bob, &offer.id, TransferState::Complete).await;
    until(&alice, &sent.id, TransferState::Complete).await;
    alice.crash();
    alice.start();
    for side in [&alice, &bob] {
        let whole = side.read_file(&sent.id, 150_000).expect("is there");
        assert!(whole.dangerously_expose() == bytes.as_slice(), "{}", side.name);
        let part = side.read_file_part(&sent.id, 65_000, 70_000).expect("is there");
        assert!(part.dangerously_expose() == &bytes[65_000..135_000], "{}", side.name);
        let end = side.read_file_part(&sent.id, 149_999, 70_000).expect("is there");
        assert!(end.dangerously_expose() == &bytes[149_999..], "{}", side.name);
        assert!(matches!(side.read_file(&sent.id, 149_999), Err(FileError::TooLarge)));
        assert!(matches!(
            side.read_file_part(&sent.id, 150_001, 1),
            Err(FileError::WrongState)
        ));
    }
    let line = alice.transfer(&sent.id).expect("is known").message;
    alice.delete_message(&line, Scope::Here).expect("is deleted");
    alice.crash();
    alice.start();
    assert!(matches!(alice.read_file(&sent.id, 150_000), Err(FileError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn more_than_is_given_at_once_and_images_that_cannot_be_told_are_refused() {
    let net = SimNet::new(61, 8);
    let mut accounts = Accounts::new(&net, 61);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let give = |bytes: Vec<u8>, metadata| {
        let given = Given {
            name: "pasted.jpg".to_owned(),
            bytes: bytes.into(),
            voice: None,
        };
        alice.send_bytes(&bob.address(), given, metadata)
    };
    let broken = b"\xff\xd8\xff\xe1\x00\x40Exif".to_vec();
    assert!(matches!(
        give(broken.clone(), Metadata::Removed),
        Err(FileError::Metadata)
    ));
    assert!(give(broken, Metadata::Kept).is_ok(), "as it is");
    assert!(matches!(
        give(vec![0; Given::MAX_BYTES + 1], Metadata::Removed),
        Err(FileError::TooLarge)
    ));
    assert!(give(Vec::new(), Metadata::Removed).is_ok(), "nothing is something");
    let empty = bob
        .until("it is offered", MINUTES, |messenger| {
            offered(messenger, &alice).filter(|offer| offer.size == 0)
        })
        .await;
    bob.accept_file(&empty.id, None).expect("is accepted");
    until(&bob, &empty.id, TransferState::Complete).await;
}

#[tokio::test(start_paused = true)]
async fn a_picture_is_made_of_what_has_come_from_a_contact_and_goes_with_it() {
    let net = SimNet::new(62, 8);
    let mut accounts = Accounts::new(&net, 62);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let dot = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    for (bytes, shows) in [(dot.as_slice(), true), (b"no image", false)] {
        let sent = alice
            .send_bytes(&bob.address(), spoken(bytes), Metadata::Removed)
            .expect("is offered");
        bob.until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
            .await;
        assert!(
            matches!(bob.make_picture(&sent.id), Err(FileError::WrongState)),
            "early"
        );
        bob.accept_file(&sent.id, None).expect("is accepted");
        until(&bob, &sent.id, TransferState::Complete).await;
        assert_eq!(bob.kept_picture(&sent.id).expect("reads"), None);
        let made = bob.make_picture(&sent.id).expect("reads");
        match &made {
            Ok(picture) => assert!(shows && picture.size() == (1, 1)),
            Err(error) => assert!(!shows && *error == NoPicture::NoImage),
        }
        bob.crash();
        bob.start();
        assert_eq!(bob.kept_picture(&sent.id).expect("reads"), Some(made));

        bob.block_contact(&alice.address()).expect("is blocked");
        assert!(matches!(bob.kept_picture(&sent.id), Err(FileError::WrongState)));
        assert!(matches!(bob.make_picture(&sent.id), Err(FileError::WrongState)));
        assert!(matches!(bob.read_file(&sent.id, 100), Err(FileError::WrongState)));
        bob.unblock_contact(&alice.address()).expect("is unblocked");
        let line = bob.transfer(&sent.id).expect("is known").message;
        bob.delete_message(&line, Scope::Here).expect("is deleted");
        assert!(matches!(bob.kept_picture(&sent.id), Err(FileError::NotFound)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_draft_is_there_again_after_a_restart_and_goes_when_it_is_sent_or_its_contact_goes() {
    let net = SimNet::new(63, 8);
    let mut accounts = Accounts::new(&net, 63);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (me, them) = (alice.address(), bob.address());
    let draft = |alice: &TestPeer, of| alice.draft(&of).expect("reads");
    assert_eq!(draft(&alice, them), None);
    alice.set_draft(&them, "Dear Bob, ").expect("is kept");
    alice.set_draft(&me, "milk").expect("is kept");
    alice.crash();
    alice.start();
    assert_eq!(draft(&alice, them).as_deref(), Some("Dear Bob, "));
    assert_eq!(draft(&alice, me).as_deref(), Some("milk"));
    assert!(matches!(
        alice.set_draft(&them, &"x".repeat(64 * 1024 + 1)),
        Err(ContactError::TooLarge)
    ));
    alice.set_draft(&me, "").expect("is forgotten");
    assert_eq!(draft(&alice, me), None);
    alice.remove_contact(&them).expect("is removed");
    assert_eq!(draft(&alice, them), None);
    assert!(matches!(alice.set_draft(&them, "Bob?"), Err(ContactError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn a_page_ends_before_begins_after_or_stands_around_a_message() {
    let net = SimNet::new(64, 8);
    let alice = Accounts::new(&net, 64).create("Alice");
    let me = alice.address();
    let ids: Vec<MessageId> = (0..10).map(|number| alice.say(&alice, &number.to_string())).collect();
    let page = |at, limit| {
        let page = alice.page(&me, at, limit).expect("reads");
        let said = |message: &Message| match &message.body {
            Body::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        let said: Vec<String> = page.messages.iter().map(said).collect();
        (said.concat(), page.older, page.newer)
    };
    let is = |text: &str, older, newer| (text.to_owned(), older, newer);
    assert_eq!(page(At::End, 3), is("789", true, false));
    assert_eq!(page(At::End, 10), is("0123456789", false, false));
    assert_eq!(page(At::Before(ids[3]), 2), is("12", true, true));
    assert_eq!(page(At::Before(ids[2]), 2), is("01", false, true));
    assert_eq!(page(At::Before(ids[0]), 2), is("", false, true));
    assert_eq!(page(At::After(ids[6]), 2), is("78", true, true));
    assert_eq!(page(At::After(ids[7]), 2), is("89", true, false));
    assert_eq!(page(At::After(ids[9]), 2), is("", true, false));
    assert_eq!(page(At::Around(ids[5]), 4), is("3456", true, true));
    assert_eq!(page(At::Around(ids[5]), 1), is("5", true, true));
    assert_eq!(page(At::Around(ids[0]), 4), is("01", false, true));
    assert_eq!(page(At::Around(ids[9]), 4), is("789", true, false));
    alice.delete_message(&ids[5], Scope::Here).expect("is deleted");
    assert_eq!(page(At::Around(ids[5]), 4), is("3467", true, true), "where it was");
}
