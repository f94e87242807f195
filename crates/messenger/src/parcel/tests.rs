use super::*;
use crate::content::{Author, Delete, Edit, FileOffer, FileSignal, Reaction, Reference, Text, Timer, Tombstone};
use proptest::prelude::*;

fn numbered(content: Content) -> Entry {
    Entry::Numbered(Numbered {
        stream: 0x0102_0304_0506_0708,
        number: 300,
        from: 299,
        sent_at: UnixMillis(1_700_000_000_000),
        salt: Salt([0x11; 16]),
        previous: Link([0x22; 32]),
        disappear_after: content.disappears().then_some(604_800),
        content,
    })
}

/// One of each, in the order of the vectors.
fn examples() -> Vec<(&'static str, Parcel)> {
    let reply_to = Some(Reference {
        author: Author::You,
        number: 7,
    });
    let contents = [
        (
            "text",
            Content::Text(Text {
                text: "καλημέρα".to_owned(),
                reply_to: None,
            }),
        ),
        (
            "reply",
            Content::Text(Text {
                text: "yes".to_owned(),
                reply_to,
            }),
        ),
        ("file-offer", Content::FileOffer(FileOffer { offer: vec![1, 2, 3] })),
        (
            "file-signal",
            Content::FileSignal(FileSignal {
                transfer: [0x33; 32],
                signal: Tagged { tag: 1, body: vec![4] },
            }),
        ),
        (
            "tombstone",
            Content::Tombstone(Tombstone {
                withdrawn: [0x44; 32],
                for_everyone: true,
            }),
        ),
        (
            "edit",
            Content::Edit(Edit {
                number: 7,
                text: "Yes".to_owned(),
            }),
        ),
        (
            "reaction",
            Content::Reaction(Reaction {
                to: Reference {
                    author: Author::Me,
                    number: 300,
                },
                emoji: Some("👍".to_owned()),
            }),
        ),
        (
            "no-reaction",
            Content::Reaction(Reaction {
                to: Reference {
                    author: Author::You,
                    number: 7,
                },
                emoji: None,
            }),
        ),
        ("delete", Content::Delete(Delete { number: 7 })),
        (
            "timer",
            Content::Timer(Timer {
                count: 2,
                after: Some(604_800),
            }),
        ),
        ("no-timer", Content::Timer(Timer { count: 3, after: None })),
        (
            "unknown-kind",
            Content::Unsupported(Tagged {
                tag: 999,
                body: vec![5, 6],
            }),
        ),
    ];
    let entries = [
        (
            "receipt",
            Entry::Receipt(Receipt {
                stream: 7,
                up_to: 9,
                beyond: vec![(11, 12), (20, 300)],
                read: Some(8),
                card: 2,
            }),
        ),
        (
            "card",
            Entry::Card(CardEntry {
                stream: 7,
                card: vec![0x55; 4],
                passes: vec![(QueueId([0x56; 32]), [0x57; 32])],
            }),
        ),
        ("cannot-open", Entry::CannotOpen(CiphertextHash([0x66; 32]))),
        ("typing", Entry::Typing),
        (
            "accepted",
            Entry::Accepted(Accepted {
                nickname: "Bob".to_owned(),
            }),
        ),
    ];
    let contents = contents
        .into_iter()
        .map(|(name, content)| (name, Parcel::of(numbered(content))));
    let entries = entries.into_iter().map(|(name, entry)| (name, Parcel::of(entry)));
    contents.chain(entries).collect()
}

#[test]
fn parcels_have_their_golden_bytes() {
    let golden: Vec<(&str, &str)> = include_str!("../../../../tests/vectors/messenger-parcels.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(' ').expect("name and hex"))
        .collect();
    let ours: Vec<(&str, String)> = examples()
        .into_iter()
        .map(|(name, p)| (name, hex::encode(p.encode())))
        .collect();
    let ours: Vec<(&str, &str)> = ours.iter().map(|(name, hex)| (*name, hex.as_str())).collect();
    assert_eq!(ours, golden);
}

#[test]
fn a_parcel_comes_back() {
    for (name, parcel) in examples() {
        assert_eq!(Parcel::decode(&parcel.encode()).as_ref(), Ok(&parcel), "{name}");
    }
}

#[test]
fn an_unknown_entry_is_skipped_and_the_others_are_read() {
    let parcel = Parcel {
        entries: vec![Entry::Unknown(4_000), Entry::CannotOpen(CiphertextHash([1; 32]))],
    };
    assert_eq!(Parcel::decode(&parcel.encode()), Ok(parcel));
}

/// What an entry does is worked out from what is stored, and the parcel is stored as a whole: a second number or receipt
/// would not see the first.
#[test]
fn a_parcel_that_says_one_kind_of_thing_twice_is_refused() {
    for (name, parcel) in examples().into_iter().filter(|(name, _)| *name != "cannot-open") {
        let twice = Parcel {
            entries: [parcel.entries.clone(), parcel.entries].concat(),
        };
        assert_eq!(Parcel::decode(&twice.encode()), Err(ParcelError::Malformed), "{name}");
    }
    for again in [Entry::Unknown(4_000), Entry::CannotOpen(CiphertextHash([1; 32]))] {
        let twice = Parcel {
            entries: vec![again.clone(), again],
        };
        assert_eq!(Parcel::decode(&twice.encode()), Ok(twice));
    }
}

#[test]
fn another_version_bytes_behind_it_and_cut_parcels_are_refused() {
    let bytes = Parcel::of(Entry::CannotOpen(CiphertextHash([1; 32]))).encode();
    let mut version = bytes.clone();
    version[0] = 2;
    assert_eq!(Parcel::decode(&version), Err(ParcelError::Version(2)));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Parcel::decode(&longer), Err(ParcelError::Decode(DecodeError::Trailing)));
    for cut in 0..bytes.len() {
        assert!(Parcel::decode(&bytes[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn a_known_kind_that_does_not_read_is_kept_as_unsupported() {
    let mut body = outis_wire::encode(&Text {
        text: "x".repeat(Text::LIMIT + 1),
        reply_to: None,
    });
    assert!(matches!(
        Content::from(Tagged {
            tag: 1,
            body: body.clone()
        }),
        Content::Unsupported(_)
    ));
    for (tag, body) in [
        (2, [&[7][..], &body].concat()),
        (3, vec![0, 7, 1, 0]),
        (3, [&[0, 7, 1, 65][..], &[b'x'; 65]].concat()),
        (6, vec![2, 1, 0]),
    ] {
        assert!(matches!(Content::from(Tagged { tag, body }), Content::Unsupported(_)));
    }
    body.truncate(3);
    assert!(matches!(
        Content::from(Tagged { tag: 1, body }),
        Content::Unsupported(_)
    ));
}

#[test]
fn a_quiet_kind_that_is_not_known_shows_nothing() {
    let unsupported = |tag| Content::Unsupported(Tagged { tag, body: Vec::new() });
    assert!(unsupported(999).is_shown());
    assert!(!unsupported(0x9000).is_shown());
}

proptest! {
    #[test]
    fn any_bytes_read_as_at_most_one_parcel(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(parcel) = Parcel::decode(&bytes) {
            prop_assert!(parcel.entries.len() <= Parcel::ENTRIES);
        }
    }

    #[test]
    fn any_content_keeps_its_bytes(tag in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let tagged = Tagged { tag, body };
        let content = Content::from(tagged.clone());
        prop_assert_eq!(Tagged::from(content), tagged);
    }
}
