use super::*;
use crate::proof;

/// Made by a rule, different in every chunk.
fn content(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}

const CHUNK: usize = 64 * 1024;

#[test]
fn every_chunk_is_proved_by_its_own_proof_and_by_no_other() {
    for chunks in [1usize, 2, 3, 4, 5, 7, 8, 9, 13] {
        let bytes = content(chunks * CHUNK - 17);
        let outline = Outline::of(&bytes).unwrap();
        for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
            let index = index as u32;
            let holds = |at: u32, bytes: &[u8], proof: &[Node]| {
                proof::holds(outline.geometry(), outline.root(), at, bytes, proof)
            };
            let right = outline.proof(index);
            assert!(right.len() <= proof::MAX_DEPTH);
            assert!(holds(index, chunk, &right), "{index} of {chunks}");
            assert!(outline.is_chunk(index, chunk));

            let mut changed = chunk.to_vec();
            changed[CHUNK / 2] ^= 1;
            assert!(!holds(index, &changed, &right));
            assert!(!outline.is_chunk(index, &changed));
            assert!(!holds(index, &chunk[..chunk.len() - 1], &right));
            assert!(!holds(chunks as u32, chunk, &right));
            assert!(!holds(u32::MAX, chunk, &right));
            for other in (0..chunks as u32).filter(|other| *other != index) {
                assert!(!holds(other, chunk, &right));
                assert!(!holds(index, chunk, &outline.proof(other)));
            }
            for cut in 0..right.len() {
                assert!(!holds(index, chunk, &right[..cut]));
            }
            let longer = [
                right.as_slice(),
                &[*right.first().unwrap_or(&Node::from_bytes([0; 32]))],
            ]
            .concat();
            assert!(!holds(index, chunk, &longer));
        }
    }
}

#[test]
fn the_root_is_the_blake3_hash_of_the_file() {
    // Of the empty file, from the reference vectors of BLAKE3.
    assert_eq!(
        hex::encode(Outline::of(b"").unwrap().root().as_bytes()),
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    );
    // Of 102 400 bytes 0, 1, … 250, 0, …: likewise, and more than one chunk.
    let bytes: Vec<u8> = (0..102_400u32).map(|i| (i % 251) as u8).collect();
    assert_eq!(
        hex::encode(Outline::of(&bytes).unwrap().root().as_bytes()),
        "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"
    );
}

#[test]
fn an_outline_comes_back_from_its_record() {
    for length in [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK] {
        let outline = Outline::of(&content(length)).unwrap();
        let record = outline.to_record();
        assert_eq!(
            Outline::from_record(*outline.geometry(), &record).as_ref(),
            Ok(&outline)
        );
        assert!(Outline::from_record(*outline.geometry(), &record[..record.len() - 1]).is_err());
        assert!(Outline::from_record(Geometry::of(7 * CHUNK as u64).unwrap(), &record).is_err());
        assert!(Outline::from_record(*outline.geometry(), &[&[2], &record[1..]].concat()).is_err());
    }
    assert!(Outline::from_record(Geometry::of(0).unwrap(), &[]).is_err());
}

#[test]
fn a_file_that_changes_its_size_while_it_is_read_has_no_outline() {
    let geometry = Geometry::of(2 * CHUNK as u64).unwrap();
    let mut outliner = Outliner::new(geometry);
    assert_eq!(outliner.chunk(&[0; 10]), Err(OutlineError::WrongLength));
    outliner.chunk(&[0; CHUNK]).unwrap();
    assert_eq!(outliner.finish(), Err(OutlineError::WrongLength));

    let mut outliner = Outliner::new(geometry);
    outliner.chunk(&[0; CHUNK]).unwrap();
    outliner.chunk(&[0; CHUNK]).unwrap();
    assert_eq!(outliner.chunk(&[0; 1]), Err(OutlineError::WrongLength));

    let mut outliner = Outliner::new(Geometry::of(5).unwrap());
    outliner.chunk(&[0; 5]).unwrap();
    assert_eq!(outliner.chunk(&[0; 5]), Err(OutlineError::WrongLength));
    assert_eq!(
        Outliner::new(Geometry::of(5).unwrap()).finish(),
        Err(OutlineError::WrongLength)
    );
}
