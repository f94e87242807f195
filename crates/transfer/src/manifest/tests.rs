use super::*;
use proptest::prelude::*;

fn example() -> Manifest {
    let mut manifest = Manifest::new();
    let maps = manifest.add_folder(Folder::TOP, "maps").unwrap();
    manifest.add_file(maps, "north cove.png", 70_000).unwrap();
    manifest.add_folder(maps, "empty").unwrap();
    manifest.add_file(Folder::TOP, ".hidden", 0).unwrap();
    manifest
}

#[test]
fn golden_manifest() {
    let vector = include_str!("../../../../tests/vectors/transfer-manifest.txt");
    let line = vector.lines().find(|line| !line.starts_with('#')).unwrap();
    let encoded = example().encode().unwrap();
    assert_eq!(hex::encode(&encoded[Manifest::PREFIX..]), line);
    let length = Manifest::length(*encoded.first_chunk().unwrap()).unwrap();
    assert_eq!(length, encoded.len() - Manifest::PREFIX);
    assert_eq!(Manifest::decode(&encoded[Manifest::PREFIX..]), Ok(example()));
    assert_eq!(example().contents(), 70_000);
}

fn decoded(entries: &[(u32, &str, Option<u64>)]) -> Result<Manifest, ManifestError> {
    Manifest::decode(&outis_wire::encode(&(VERSION, entries)))
}

#[test]
fn what_is_no_tree_is_refused() {
    use ManifestError::*;
    assert!(decoded(&[(0, "a", None), (1, "b", Some(1))]).is_ok(), "the control");
    assert_eq!(decoded(&[(1, "in itself", None)]), Err(Malformed));
    assert_eq!(
        decoded(&[(2, "before its folder", Some(1)), (0, "a", None)]),
        Err(Malformed)
    );
    assert_eq!(decoded(&[(0, "a", Some(1)), (1, "in a file", None)]), Err(Malformed));
    assert_eq!(decoded(&[(u32::MAX, "nowhere", None)]), Err(Malformed));
    assert_eq!(decoded(&[(0, &"x".repeat(256), None)]), Err(TooMuch));
    assert_eq!(decoded(&[(0, "a", Some(u64::MAX)), (0, "b", Some(2))]), Err(TooMuch));
    let deep: Vec<(u32, &str, Option<u64>)> = (0..25).map(|depth| (depth, "deeper", None)).collect();
    assert!(decoded(&deep[..24]).is_ok());
    assert_eq!(decoded(&deep), Err(TooMuch));
    assert_eq!(decoded(&vec![(0, "", None); MAX_ENTRIES + 1]), Err(TooMuch));
    assert_eq!(Manifest::decode(&[]), Err(Malformed));
    assert_eq!(Manifest::decode(&[2, 0]), Err(UnknownVersion(2)));
    assert_eq!(Manifest::decode(&[1, 0, 0]), Err(Malformed), "trailing bytes");
    assert_eq!(Manifest::length([0xff; 4]), Err(TooMuch));
}

/// Every hostile name of files, as a file's, as a folder's, and in a folder of one.
#[test]
fn hostile_names_in_folders_become_plain_names() {
    let names = crate::name::tests::hostile();
    assert!(names.len() >= 200, "{}", names.len());
    let mut manifest = Manifest::new();
    for name in names.iter().filter(|name| name.len() <= MAX_NAME) {
        let folder = manifest.add_folder(Folder::TOP, name).unwrap();
        manifest.add_file(folder, name, 1).unwrap();
    }
    let body = manifest.encode().unwrap();
    let read = Manifest::decode(&body[Manifest::PREFIX..]).unwrap();
    for entry in read.entries() {
        let name = entry.name();
        let path = std::path::Path::new(name.as_str());
        let parts: Vec<_> = path.components().collect();
        assert!(
            matches!(parts.as_slice(), [std::path::Component::Normal(only)] if *only == name.as_str()),
            "one plain name"
        );
    }
    let harmful = |entry: &&Entry| entry.dangerously_expose_name() != entry.name().as_str();
    assert!(
        read.entries().iter().filter(harmful).count() > 200,
        "the control: they were hostile"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_tree_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [&[VERSION][..], &bytes].concat();
        if let Ok(manifest) = Manifest::decode(&bytes) {
            prop_assert_eq!(&manifest.encode().unwrap()[Manifest::PREFIX..], &bytes[..]);
            for (place, entry) in manifest.entries().iter().enumerate() {
                prop_assert!(entry.folder().is_none_or(|folder| folder < place));
            }
        }
    }
}
