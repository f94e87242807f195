use super::*;
use crate::{OwnedQueue, testing::*};
use outis_identity::{DeviceKeys, Identity};
use outis_wire::UnixMillis;

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-descriptor.txt");
const EPOCH: Epoch = Epoch(20_780);

#[test]
fn a_descriptor_has_not_changed_and_still_opens() {
    let account = identity(1);
    let sealed = seal(&account, EPOCH, revision(3, 7));
    let key = DirectoryKey::of(&network(), &account.account_key(), EPOCH).expect("prime order");
    let relay = DirectoryKey::relay(&network(), &NODE);
    check_vectors(
        VECTORS,
        &[
            ("descriptor", sealed.as_bytes().to_vec()),
            ("directory-key", key.0.to_vec()),
            ("relay-directory-key", relay.0.to_vec()),
        ],
    );
    let golden = SealedDescriptor::from_bytes(vector(VECTORS, "descriptor")).expect("its size");
    let verified = golden.verify(&network()).expect("signed");
    assert_eq!((verified.epoch(), verified.directory_key()), (EPOCH, key));
    let opened = verified.open(&account.account_key()).expect("his own");
    assert_eq!(encode(&opened), encode(&content(&account, revision(3, 7))));
    let device = opened
        .devices
        .first()
        .expect("one")
        .certificate
        .verify(NOW)
        .expect("certified");
    assert_eq!(device.account(), &account.address());
}

#[test]
fn it_opens_with_the_address_and_the_signature_holds_on_its_network_only() {
    let (account, other) = (identity(1), identity(2));
    let sealed = seal(&account, EPOCH, revision(1, 1));
    let verified = sealed.clone().verify(&network()).expect("signed");
    assert!(verified.open(&account.account_key()).is_ok());
    assert_eq!(verified.open(&other.account_key()).err(), Some(NotReadable));
    assert!(sealed.verify(&NetworkName::default()).is_err());
}

#[test]
fn any_changed_byte_is_seen_by_whoever_stores_it() {
    let sealed = seal(&identity(1), EPOCH, revision(1, 1));
    for at in (0..128)
        .chain((128..SealedDescriptor::SIZE).step_by(97))
        .chain([SealedDescriptor::SIZE - 1])
    {
        let mut bytes = sealed.as_bytes().to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1;
        }
        let read = SealedDescriptor::from_bytes(bytes).and_then(|sealed| sealed.verify(&network()));
        assert!(read.is_err(), "byte {at}");
    }
    for length in [0, 1, SealedDescriptor::SIZE - 1, SealedDescriptor::SIZE + 1] {
        assert!(SealedDescriptor::from_bytes(vec![1; length]).is_err());
    }
}

#[test]
fn two_epochs_share_no_eight_bytes_and_their_revisions_say_nothing() {
    let account = identity(1);
    let sealed: Vec<_> = PUBLISHED
        .map(|day| seal(&account, EPOCH.offset(day), revision(3, 7)))
        .collect();
    // Version and epoch are equal or alike by themselves; all behind them must not be.
    let runs: Vec<std::collections::BTreeSet<&[u8]>> = sealed
        .iter()
        .map(|sealed| sealed.as_bytes().get(5..).unwrap_or_default().windows(8).collect())
        .collect();
    for (i, a) in runs.iter().enumerate() {
        assert!(runs.iter().skip(i + 1).all(|b| a.is_disjoint(b)));
    }
    // The control: the same epoch published twice has the same key and revision, and is caught.
    let again = seal(&account, EPOCH.offset(-2), revision(3, 7));
    let again: std::collections::BTreeSet<&[u8]> = again.as_bytes().get(5..).unwrap_or_default().windows(8).collect();
    assert!(runs.first().is_some_and(|first| !first.is_disjoint(&again)));
}

#[test]
fn within_an_epoch_the_higher_revision_comes_later_for_those_who_cannot_read_it() {
    let account = identity(1);
    let order = |revision| {
        seal(&account, EPOCH, revision)
            .verify(&network())
            .expect("signed")
            .order()
    };
    let rising = [
        revision(0, 0),
        revision(0, 1),
        revision(0, u64::MAX),
        revision(1, 0),
        revision(2, 5),
        revision(3, 0),
    ];
    let orders: Vec<_> = rising.map(order).into();
    assert!(orders.is_sorted_by(|a, b| a.0 < b.0));
    // A device cannot burn the order by a generation that overflows it.
    let far =
        content(&account, revision(1 << 62, 0)).seal(&mut rng(1), &network(), EPOCH, account.dangerously_signing_key());
    assert_eq!(far.err(), Some(TooLong));
}

#[test]
fn of_what_a_look_up_gives_the_newest_that_is_real_is_taken() {
    let (account, other) = (identity(1), identity(2));
    let find = |found: Vec<SealedDescriptor>| {
        newest(found, &network(), &account.account_key(), EPOCH).map(|descriptor| descriptor.revision)
    };
    let real = |counter| seal(&account, EPOCH, revision(1, counter));
    let foreign = seal(&other, EPOCH, revision(9, 9));
    let elsewhen = seal(&account, EPOCH.offset(1), revision(9, 9));
    let mut forged = real(8).as_bytes().to_vec();
    if let Some(byte) = forged.get_mut(37) {
        *byte ^= 0x20;
    }
    let forged = SealedDescriptor::from_bytes(forged).expect("its size");
    assert_eq!(
        find(vec![real(2), foreign.clone(), real(5), forged, elsewhen, real(3)]),
        Some(revision(1, 5))
    );
    assert_eq!(find(vec![foreign]), None);
}

#[test]
fn a_full_descriptor_fits_and_one_more_of_anything_does_not() {
    let account = identity(1);
    let seal = |content: &AccountDescriptor| {
        content
            .seal(&mut rng(1), &network(), EPOCH, account.dangerously_signing_key())
            .is_ok()
    };
    let full = || {
        let mut content = content(&account, revision(u64::MAX >> 2, u64::MAX));
        let queues = (1..=4)
            .map(|node| OwnedQueue::generate(&mut rng(9), NodeId([node; 32])).place())
            .collect();
        content.requests = QueueCard::new(u64::MAX, queues).expect("four");
        content.witness = vec![1; AccountDescriptor::MAX_WITNESS];
        content.devices.resize(3, content.devices.first().expect("one").clone());
        content
            .devices
            .iter_mut()
            .for_each(|device| device.prekey = vec![2; AccountDescriptor::MAX_PREKEY]);
        content
    };
    assert!(seal(&full()));
    let mut more = full();
    more.witness.push(1);
    assert!(!seal(&more));
    let mut more = full();
    more.devices.first_mut().expect("three").prekey.push(1);
    assert!(!seal(&more));
    let mut more = full();
    more.more = vec![Tagged {
        tag: 1,
        body: vec![0; 1_500],
    }];
    assert!(!seal(&more));
    let mut none = full();
    none.devices.clear();
    assert!(!seal(&none));
}

#[test]
fn the_price_of_a_request_is_read_and_nonsense_in_its_place_is_none() {
    let mut content = content(&identity(1), revision(1, 1));
    assert_eq!(content.price(), 0, "nobody asks for one");
    content.more.push(AccountDescriptor::asking(64));
    assert_eq!(content.price(), 64);
    for body in [vec![], vec![1], vec![0; 5]] {
        content.more = vec![Tagged { tag: 1, body }];
        assert_eq!(content.price(), 0);
    }
}

fn identity(seed: u8) -> Identity {
    Identity::from_record(&[&[1], [seed; 32].as_slice()].concat()).expect("a record")
}

fn revision(generation: u64, counter: u64) -> Revision {
    Revision {
        generation: Generation(generation),
        counter,
    }
}

fn content(account: &Identity, revision: Revision) -> AccountDescriptor {
    let device = DeviceKeys::generate(&mut rng(5));
    let certificate = account.certify(device.public(), Generation(3), UnixMillis(NOW.0 + 90 * DAY));
    let places = (1..=3)
        .map(|node| OwnedQueue::generate(&mut rng(7), NodeId([node; 32])).place())
        .collect();
    AccountDescriptor {
        revision,
        devices: vec![ListedDevice {
            certificate,
            prekey: vec![4; 1_300],
        }],
        requests: QueueCard::new(2, places).expect("three"),
        witness: vec![6; 64],
        more: vec![Tagged {
            tag: 900,
            body: vec![1],
        }],
    }
}

fn seal(account: &Identity, epoch: Epoch, revision: Revision) -> SealedDescriptor {
    content(account, revision)
        .seal(
            &mut rng(u64::from(epoch.0)),
            &network(),
            epoch,
            account.dangerously_signing_key(),
        )
        .expect("it fits")
}
