use super::*;
use crate::{Outline, Receiver, SourceChanged, Verified};
use outis_crypto::tree::Node;
use proptest::prelude::*;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

const CHUNK: usize = 64 * 1024;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn content(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng(99).fill_bytes(&mut bytes);
    bytes
}

fn offered(bytes: &[u8]) -> (Outline, Offer) {
    let outline = Outline::of(bytes).unwrap();
    let offer = Offer::new("a", &outline, &mut rng(1));
    (outline, offer)
}

/// Both ends of a road, and a stream between them that delivers at once.
struct Pair {
    receiving: ReceivingRoad,
    sending: SendingRoad,
}

impl Pair {
    fn open(receiver: &mut Receiver, offer: &Offer, rng: &mut ChaCha20Rng) -> Self {
        let (mut receiving, to_sender) = ReceivingRoad::open(receiver, offer, rng);
        let (mut sending, to_receiver) = SendingRoad::open(offer, rng);
        assert!(matches!(receiving.receive(&to_receiver), Ok(Received::Greeting)));
        assert_eq!(sending.receive(&to_sender), Ok(Asked::Greeting));
        Self { receiving, sending }
    }

    /// The frames that answer the receiver's next request.
    fn answers(
        &mut self,
        receiver: &mut Receiver,
        outline: &Outline,
        bytes: &[u8],
        rng: &mut ChaCha20Rng,
    ) -> Vec<Vec<u8>> {
        if let Some(want) = self.receiving.wants(receiver, rng) {
            assert_eq!(self.sending.receive(&want), Ok(Asked::Chunks));
        }
        let mut frames = Vec::new();
        while let Some(index) = self.sending.next_asked() {
            frames.push(self.sending.chunk(outline, index, chunk(bytes, index), rng).unwrap());
        }
        frames
    }
}

fn taken(road: &mut ReceivingRoad, receiver: &mut Receiver, frame: &[u8]) -> Verified {
    let Ok(Received::Chunk(arrival)) = road.receive(frame) else {
        panic!("no chunk")
    };
    arrival.admit(receiver).ok().flatten().expect("was asked for")
}

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode_into(&mut out);
    assert_eq!(out.len(), frame.room());
    out
}

fn chunk(bytes: &[u8], index: u32) -> &[u8] {
    let start = index as usize * CHUNK;
    &bytes[start..bytes.len().min(start + CHUNK)]
}

/// What the receiver's disk holds.
#[derive(Clone)]
struct Disk {
    bytes: Vec<u8>,
    record: Vec<u8>,
}

fn store(disk: &mut Disk, receiver: &mut Receiver, verified: &Verified) {
    let start = verified.index() as usize * CHUNK;
    disk.bytes[start..start + verified.dangerously_expose().len()].copy_from_slice(verified.dangerously_expose());
    receiver.stored(verified.index());
    disk.record = receiver.to_record();
}

#[test]
fn a_file_arrives_whole_over_one_road() {
    for length in [0, 1, CHUNK, CHUNK + 1, 200 * CHUNK - 3] {
        let bytes = content(length);
        let (outline, offer) = offered(&bytes);
        let mut receiver = Receiver::new(&offer);
        let mut disk = Disk {
            bytes: vec![0; length],
            record: Vec::new(),
        };
        let mut rng = rng(2);
        let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
        while !receiver.is_complete() {
            for frame in pair.answers(&mut receiver, &outline, &bytes, &mut rng) {
                assert!(frame.len() <= MAX_FRAME);
                let verified = taken(&mut pair.receiving, &mut receiver, &frame);
                store(&mut disk, &mut receiver, &verified);
            }
        }
        assert!(disk.bytes == bytes);
        assert!(pair.receiving.wants(&mut receiver, &mut rng).is_none());
        let done = pair.receiving.done(&mut rng).unwrap();
        assert_eq!(pair.sending.receive(&done), Ok(Asked::Done));
    }
}

/// 32 MiB over three roads; frames are lost (which ends a road), and each side restarts again and again, the receiver from
/// its disk and the sender from nothing but the file. Counts what is sent twice.
#[test]
fn a_file_survives_loss_and_restarts_on_both_sides_and_little_is_sent_twice() {
    let bytes = content(32 * 1024 * 1024 + 1);
    let (outline, offer) = offered(&bytes);
    let mut disk = Disk {
        bytes: vec![0; bytes.len()],
        record: Receiver::new(&offer).to_record(),
    };
    let mut rng = rng(3);
    let (mut arrived, mut interruptions, mut lives) = (0u32, 0u32, 0u32);
    loop {
        lives += 1;
        assert!(lives < 1000, "it never ends");
        let mut receiver = Receiver::resume(&offer, &disk.record).unwrap();
        if receiver.is_complete() {
            break;
        }
        let mut pairs: Vec<Pair> = (0..3).map(|_| Pair::open(&mut receiver, &offer, &mut rng)).collect();
        // A life ends after so many chunks: the process is killed between storing a chunk and anything after it.
        let mut left = 10 + rng.next_u32() % 80;
        'life: while left > 0 && !receiver.is_complete() {
            for pair in &mut pairs {
                for frame in pair.answers(&mut receiver, &outline, &bytes, &mut rng) {
                    if rng.next_u32().is_multiple_of(50) {
                        // Lost: the road is cut, and a new one takes its place.
                        receiver.closed(pair.receiving.id());
                        *pair = Pair::open(&mut receiver, &offer, &mut rng);
                        interruptions += 1;
                        break;
                    }
                    let verified = taken(&mut pair.receiving, &mut receiver, &frame);
                    arrived += 1;
                    left = left.saturating_sub(1);
                    if left == 0 {
                        // Killed before the chunk was stored: the one chunk that this life sends for nothing.
                        interruptions += 1;
                        break 'life;
                    }
                    store(&mut disk, &mut receiver, &verified);
                }
            }
        }
    }
    assert!(disk.bytes == bytes);
    assert!(lives > 8, "{lives}: at least four restarts a side");
    let twice = arrived - offer.geometry().chunks();
    assert!(
        twice <= interruptions,
        "{twice} chunks arrived twice, {interruptions} interruptions"
    );
}

#[test]
fn no_frame_is_accepted_changed_repeated_out_of_order_or_from_another_road() {
    let bytes = content(8 * CHUNK);
    let (outline, offer) = offered(&bytes);
    let mut rng = rng(4);
    let open = |rng: &mut ChaCha20Rng| {
        let mut receiver = Receiver::new(&offer);
        let mut pair = Pair::open(&mut receiver, &offer, rng);
        let frames = pair.answers(&mut receiver, &outline, &bytes, rng);
        (receiver, pair, frames)
    };
    let (_, _, of_another_road) = open(&mut rng);
    let (_, mut pair, frames) = open(&mut rng);
    let mut refused = |frame: &[u8], what: &str| {
        assert!(
            matches!(pair.receiving.receive(frame), Err(RoadError::Sealed)),
            "{what}"
        );
    };
    refused(&of_another_road[0], "another road");
    refused(&frames[1], "out of order");
    refused(&[], "empty");
    refused(&frames[0][..frames[0].len() - 1], "cut");
    for at in [0, 23, 24, 30, frames[0].len() - 1] {
        let mut changed = frames[0].clone();
        changed[at] ^= 1;
        refused(&changed, "changed");
    }
    // The control: as it was sent, it is accepted; and then not again.
    assert!(matches!(pair.receiving.receive(&frames[0]), Ok(Received::Chunk(_))));
    assert!(matches!(pair.receiving.receive(&frames[0]), Err(RoadError::Sealed)));
}

#[test]
fn a_stranger_and_an_echo_get_nothing_accepted() {
    let (outline, offer) = offered(&content(CHUNK));
    let another = Offer::new("a", &outline, &mut rng(2));
    let mut rng = rng(5);
    let mut receiver = Receiver::new(&offer);
    // Somebody with another offer of the same file.
    let (mut receiving, to_sender) = ReceivingRoad::open(&mut receiver, &offer, &mut rng);
    let (mut sending, to_receiver) = SendingRoad::open(&another, &mut rng);
    receiving.receive(&to_receiver).unwrap();
    sending.receive(&to_sender).unwrap();
    let want = receiving.wants(&mut receiver, &mut rng).unwrap();
    assert_eq!(sending.receive(&want), Err(RoadError::Sealed));
    // Somebody who sends back what was sent.
    let (mut receiving, greeting) = ReceivingRoad::open(&mut receiver, &offer, &mut rng);
    receiving.receive(&greeting).unwrap();
    let cancel = receiving.cancel(&mut rng).unwrap();
    assert!(matches!(receiving.receive(&cancel), Err(RoadError::Sealed)));
}

#[test]
fn nothing_is_said_before_the_other_side_has_greeted() {
    let (outline, offer) = offered(&content(CHUNK));
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(6));
    let (mut receiving, _) = ReceivingRoad::open(&mut receiver, &offer, &mut rng);
    assert!(receiving.wants(&mut receiver, &mut rng).is_none());
    assert!(receiving.done(&mut rng).is_none());
    let (mut sending, _) = SendingRoad::open(&offer, &mut rng);
    assert_eq!(
        sending.chunk(&outline, 0, &content(CHUNK), &mut rng),
        Err(SourceChanged)
    );
    assert!(matches!(receiving.receive(&[2; 33]), Err(RoadError::UnknownVersion(2))));
    assert!(matches!(receiving.receive(&[1; 32]), Err(RoadError::Malformed)));
    assert!(matches!(receiving.receive(&[1; 34]), Err(RoadError::Malformed)));
}

/// A sender who has the keys and lies.
#[test]
fn a_sender_who_lies_is_found_out_with_the_first_chunk() {
    let bytes = content(4 * CHUNK);
    let (outline, offer) = offered(&bytes);
    let mut rng = rng(7);
    let mut lie = |index: u32, proof_of: u32, contents: &[u8]| {
        let mut receiver = Receiver::new(&offer);
        let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
        pair.receiving.wants(&mut receiver, &mut rng).unwrap();
        let frame = Frame::Chunk(
            Carried {
                index,
                proof: outline.proof(proof_of),
                bytes: contents,
            },
            0,
        );
        let sealed = pair.sending.seals.seal(&frame, &mut rng).unwrap();
        pair.receiving.receive(&sealed).map(|_| ())
    };
    let mut other = chunk(&bytes, 0).to_vec();
    other[0] ^= 1;
    assert_eq!(lie(0, 0, &other), Err(RoadError::WrongChunk));
    assert_eq!(lie(0, 1, chunk(&bytes, 0)), Err(RoadError::WrongChunk));
    assert_eq!(lie(1, 0, chunk(&bytes, 0)), Err(RoadError::WrongChunk));
    assert_eq!(lie(4, 0, chunk(&bytes, 0)), Err(RoadError::WrongChunk));
    assert_eq!(lie(0, 0, &[]), Err(RoadError::WrongChunk));
    assert_eq!(
        lie(0, 0, chunk(&bytes, 0)),
        Ok(()),
        "the control: the truth is accepted"
    );
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let bytes = content(4 * CHUNK);
    let (outline, offer) = offered(&bytes);
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(8));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    let frame = pair.sending.chunk(&outline, 0, chunk(&bytes, 0), &mut rng).unwrap();
    let Ok(Received::Chunk(arrival)) = pair.receiving.receive(&frame) else {
        panic!("no chunk")
    };
    assert_eq!(arrival.admit(&mut receiver).map(|_| ()), Err(RoadError::NotAsked));
    assert!(receiver.have().is_empty());
}

#[test]
fn a_receiver_who_asks_for_too_much_or_for_nonsense_is_cut_off() {
    let (_, offer) = offered(&content(100 * CHUNK));
    let mut rng = rng(9);
    let mut ask = |ranges: &[(u32, u32)]| {
        let mut receiver = Receiver::new(&offer);
        let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
        let sealed = pair
            .receiving
            .seals
            .seal(&Frame::Want(ranges.to_vec()), &mut rng)
            .unwrap();
        pair.sending.receive(&sealed)
    };
    assert_eq!(ask(&[(0, 64)]), Ok(Asked::Chunks));
    assert_eq!(ask(&[(0, 65)]), Err(RoadError::TooMuchAsked));
    assert_eq!(ask(&[(0, 60), (0, 5)]), Err(RoadError::TooMuchAsked));
    assert_eq!(ask(&[(99, 2)]), Err(RoadError::Malformed));
    assert_eq!(ask(&[(u32::MAX, 1)]), Err(RoadError::Malformed));
    assert_eq!(ask(&[(0, u32::MAX)]), Err(RoadError::Malformed));
    assert_eq!(ask(&vec![(0, 0); 257]), Err(RoadError::Malformed));
}

#[test]
fn a_file_that_changed_after_it_was_offered_is_not_sent() {
    let bytes = content(3 * CHUNK);
    let (outline, offer) = offered(&bytes);
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(10));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    let want = pair.receiving.wants(&mut receiver, &mut rng).unwrap();
    pair.sending.receive(&want).unwrap();
    let mut changed = chunk(&bytes, 0).to_vec();
    changed[5] ^= 1;
    assert_eq!(pair.sending.chunk(&outline, 0, &changed, &mut rng), Err(SourceChanged));
    let said = pair.sending.unavailable(&mut rng).unwrap();
    assert!(matches!(pair.receiving.receive(&said), Ok(Received::Unavailable)));
}

#[test]
fn who_is_there_and_has_nothing_to_say_can_say_so() {
    let (_, offer) = offered(&content(CHUNK));
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(15));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    let said = pair.sending.alive(&mut rng).unwrap();
    assert!(matches!(pair.receiving.receive(&said), Ok(Received::Alive)));
    let said = pair.receiving.alive(&mut rng).unwrap();
    assert_eq!(pair.sending.receive(&said), Ok(Asked::Nothing));
}

#[test]
fn a_slow_road_asks_for_little_at_once() {
    let (_, offer) = offered(&content(300 * CHUNK));
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(16));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    for (narrow, asked) in [(0, 1), (3, 3), (1000, 64)] {
        pair.receiving.narrow(narrow);
        pair.receiving.wants(&mut receiver, &mut rng).unwrap();
        assert_eq!(receiver.asked_on(pair.receiving.id()), asked);
    }
}

#[test]
fn a_chunk_that_came_by_another_way_meanwhile_is_dropped_and_the_road_goes_on() {
    let bytes = content(4 * CHUNK);
    let (outline, offer) = offered(&bytes);
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(17));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    let frames = pair.answers(&mut receiver, &outline, &bytes, &mut rng);
    assert!(receiver.came(0), "as a piece");
    assert!(!receiver.came(0), "and not again");
    receiver.stored(0);
    let Ok(Received::Chunk(late)) = pair.receiving.receive(&frames[0]) else {
        panic!("no chunk")
    };
    assert!(matches!(late.admit(&mut receiver), Ok(None)));
    for frame in &frames[1..] {
        assert!(!receiver.has_arrived());
        let chunk = taken(&mut pair.receiving, &mut receiver, frame);
        assert!(receiver.missing(9).is_empty(), "all is asked for");
        receiver.stored(chunk.index());
    }
    assert!(receiver.has_arrived() && receiver.is_complete());
}

#[test]
fn either_side_calls_it_off() {
    let (_, offer) = offered(&content(CHUNK));
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(11));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    let said = pair.sending.cancel(&mut rng).unwrap();
    assert!(matches!(pair.receiving.receive(&said), Ok(Received::Cancelled)));
    let said = pair.receiving.cancel(&mut rng).unwrap();
    assert_eq!(pair.sending.receive(&said), Ok(Asked::Cancelled));
}

#[test]
fn all_chunks_of_a_file_look_alike_on_a_road() {
    for length in [1, 5 * CHUNK + 1, 9 * CHUNK - 1] {
        let bytes = content(length);
        let (outline, offer) = offered(&bytes);
        let (mut receiver, mut rng) = (Receiver::new(&offer), rng(14));
        let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
        let lengths: std::collections::BTreeSet<usize> = pair
            .answers(&mut receiver, &outline, &bytes, &mut rng)
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(lengths.len(), 1, "{length}");
    }
}

#[test]
fn requests_are_few_and_the_window_is_kept() {
    let bytes = content(300 * CHUNK);
    let (outline, offer) = offered(&bytes);
    let (mut receiver, mut rng) = (Receiver::new(&offer), rng(12));
    let mut pair = Pair::open(&mut receiver, &offer, &mut rng);
    let mut on_the_way = std::collections::VecDeque::new();
    let mut requests = 0;
    loop {
        if let Some(want) = pair.receiving.wants(&mut receiver, &mut rng) {
            requests += 1;
            pair.sending.receive(&want).unwrap();
        }
        while let Some(index) = pair.sending.next_asked() {
            on_the_way.push_back(
                pair.sending
                    .chunk(&outline, index, chunk(&bytes, index), &mut rng)
                    .unwrap(),
            );
        }
        assert!(on_the_way.len() <= 64);
        let Some(frame) = on_the_way.pop_front() else { break };
        let verified = taken(&mut pair.receiving, &mut receiver, &frame);
        receiver.stored(verified.index());
    }
    assert!(receiver.is_complete());
    assert!(requests <= 300 / 32 + 1, "{requests}");
}

/// Frames as they stand before sealing, and one road's sealed frames under a fixed generator.
#[test]
fn golden_frames() {
    let vector = include_str!("../../../../tests/vectors/transfer-road.txt");
    let field = |name: &str| {
        let line = vector
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        hex::decode(line.unwrap_or_else(|| panic!("{name}"))).unwrap()
    };
    let node = |byte: u8| Node::from_bytes([byte; 32]);
    let frames = [
        ("want", Frame::Want(vec![(0, 3), (7, 1)])),
        (
            "chunk",
            Frame::Chunk(
                Carried {
                    index: 258,
                    proof: vec![node(0xaa), node(0xbb)],
                    bytes: b"wine-dark sea",
                },
                100,
            ),
        ),
        ("done", Frame::Done),
        ("cancel", Frame::Cancel),
        ("unavailable", Frame::Unavailable),
        ("alive", Frame::Alive),
    ];
    for (name, frame) in &frames {
        assert_eq!(encoded(frame), field(name), "{name}");
        assert_eq!(Frame::decode(&field(name)).as_ref(), Ok(frame), "{name}");
    }
    let offer = Offer::decode(&field("offer")).unwrap();
    let mut rng = rng(13);
    let mut receiver = Receiver::new(&offer);
    let (mut receiving, to_sender) = ReceivingRoad::open(&mut receiver, &offer, &mut rng);
    let (mut sending, to_receiver) = SendingRoad::open(&offer, &mut rng);
    receiving.receive(&to_receiver).unwrap();
    sending.receive(&to_sender).unwrap();
    assert_eq!(to_sender, field("receiver greeting"));
    assert_eq!(to_receiver, field("sender greeting"));
    assert_eq!(receiving.wants(&mut receiver, &mut rng).unwrap(), field("sealed want"));
    assert_eq!(sending.cancel(&mut rng).unwrap(), field("sealed cancel"));
}

proptest! {
    #[test]
    fn any_frame_is_malformed_or_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(frame) = Frame::decode(&bytes) {
            prop_assert_eq!(encoded(&frame), bytes);
        }
    }
}
