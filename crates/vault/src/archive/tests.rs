use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

const CHEAP: Cost = Cost::dangerously_cheap();

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn write(items: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut rng = rng();
    let mut writer = ArchiveWriter::create(Vec::new(), "ada", b"password", CHEAP, &mut rng).unwrap();
    for (tag, body) in items {
        writer.put(*tag, body, &mut rng).unwrap();
    }
    writer.finish(&mut rng).unwrap()
}

fn read(archive: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, ReadArchiveError> {
    let mut reader = ArchiveReader::open(archive, "ada", b"password", CHEAP)?;
    let mut found = Vec::new();
    while let Some(Item { tag, body }) = reader.next_item()? {
        found.push((tag, body.dangerously_expose().to_vec()));
    }
    assert_eq!(reader.position(), archive.len() as u64);
    Ok(found)
}

/// Items that end before, at and behind the ends of chunks; five chunks in all.
fn items() -> Vec<(u16, Vec<u8>)> {
    let lengths = [0, 1, CHUNK - 3 * ITEM_HEADER - 1, 10, 3 * CHUNK, 7];
    (0..).zip(lengths).map(|(tag, n)| (tag, vec![tag as u8; n])).collect()
}

#[test]
fn what_was_put_in_comes_out_in_order() {
    for items in [vec![], vec![(7, vec![])], items()] {
        assert_eq!(read(&write(&items)).unwrap(), items);
    }
}

#[test]
fn an_archive_shows_its_length_in_whole_chunks_only() {
    let length = |n: usize| write(&[(1, vec![0; n])]).len();
    assert_eq!(length(0), length(60_000));
    assert_eq!(length(70_000) - length(0), SEALED);
    assert_eq!(length(0), HEADER + SEALED);
}

#[test]
fn a_chunk_missing_moved_repeated_changed_or_left_off_is_noticed() {
    let whole = write(&items());
    assert!(read(&whole).is_ok(), "positive control");
    let (front, rest) = whole.split_at(HEADER);
    let chunks: Vec<&[u8]> = rest.chunks(SEALED).collect();
    assert_eq!(chunks.len(), 5);
    let of = |order: &[usize]| -> Vec<u8> {
        let parts = order.iter().flat_map(|n| chunks[*n].to_vec());
        front.iter().copied().chain(parts).collect()
    };
    assert!(matches!(read(&of(&[0, 2, 3, 4])), Err(ReadArchiveError::Damaged)));
    assert!(matches!(read(&of(&[1, 0, 2, 3, 4])), Err(ReadArchiveError::Damaged)));
    assert!(matches!(read(&of(&[0, 0, 1, 2, 3, 4])), Err(ReadArchiveError::Damaged)));
    assert!(matches!(read(&of(&[0, 1, 2, 3, 4, 4])), Err(ReadArchiveError::Damaged)));
    for kept in 0..chunks.len() {
        let order: Vec<usize> = (0..kept).collect();
        assert!(matches!(read(&of(&order)), Err(ReadArchiveError::CutShort)), "{kept}");
    }
    let torn = &whole[..whole.len() - 1];
    assert!(matches!(read(torn), Err(ReadArchiveError::CutShort)));
    for at in [HEADER, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(matches!(read(&changed), Err(ReadArchiveError::Damaged)), "{at}");
    }
}

#[test]
fn only_the_credentials_open_it() {
    let archive = write(&items());
    for (nickname, password) in [("adb", b"password".as_slice()), ("ada", b"passwore")] {
        let opened = ArchiveReader::open(archive.as_slice(), nickname, password, CHEAP);
        assert!(matches!(opened, Err(ReadArchiveError::WrongCredentials)));
    }
    let mut newer = archive.clone();
    newer[0] = 2;
    assert!(matches!(
        read(&newer),
        Err(ReadArchiveError::TooNew { found: 2, supported: 1 })
    ));
    let mut salted = archive;
    salted[5] ^= 1;
    assert!(matches!(read(&salted), Err(ReadArchiveError::WrongCredentials)));
}

#[test]
fn an_item_that_is_too_long_is_refused_in_both_directions() {
    let mut rng = rng();
    let mut writer = ArchiveWriter::create(Vec::new(), "ada", b"password", CHEAP, &mut rng).unwrap();
    let body = vec![0; Item::MAX_BYTES + 1];
    assert!(matches!(
        writer.put(1, &body, &mut rng),
        Err(WriteArchiveError::TooLarge { .. })
    ));
    // Somebody with the password, who wrote a length that is not there.
    for length in [u32::MAX, 9] {
        let mut writer = ArchiveWriter::create(Vec::new(), "ada", b"password", CHEAP, &mut rng).unwrap();
        writer.append(&[0, 1], &mut rng).unwrap();
        writer.append(&length.to_be_bytes(), &mut rng).unwrap();
        let archive = writer.finish(&mut rng).unwrap();
        assert!(matches!(read(&archive), Err(ReadArchiveError::Damaged)));
    }
}

/// The key of a seeded archive and its first bytes do not change: old exports stay readable.
#[test]
fn the_first_bytes_are_those_of_the_vector() {
    let vector = include_str!("../../../../tests/vectors/vault-archive.txt");
    let expected = vector.lines().find(|line| !line.starts_with('#')).unwrap();
    let archive = write(&[(1, b"outis".to_vec())]);
    assert_eq!(hex::encode(&archive[..HEADER + 64]), expected);
}
