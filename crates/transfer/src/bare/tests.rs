use super::*;
use proptest::prelude::*;

/// How a number is written, one way or the other round.
type Two = fn(u16) -> [u8; 2];
type Four = fn(u32) -> [u8; 4];

/// A name, a file, and what in it is no picture.
type Picture<'a> = (&'a str, Vec<u8>, &'a [&'a [u8]]);

const CANARY: &[u8] = b"N 38.3666 E 20.7181 by Odysseus";

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY)
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, body].concat()
}

/// EXIF with an orientation among other entries, and the canary.
fn exif(side: u8, little: bool) -> Vec<u8> {
    let (two, four): (Two, Four) = if little {
        (u16::to_le_bytes, u32::to_le_bytes)
    } else {
        (u16::to_be_bytes, u32::to_be_bytes)
    };
    let entry = |tag: u16, value: u16| [&two(tag)[..], &two(3), &four(1), &two(value), &two(0)].concat();
    let mark: &[u8] = if little { b"II*\0" } else { b"MM\0*" };
    [
        b"Exif\0\0",
        mark,
        &four(8),
        &two(3),
        &entry(0x0100, 640),
        &entry(0x0112, u16::from(side)),
        &entry(0x0213, 1),
        &four(0),
        CANARY,
    ]
    .concat()
}

/// A progressive picture of two scans, with everything around it that a camera writes.
fn jpeg(side: u8, little: bool) -> Vec<u8> {
    [
        &[0xff, 0xd8][..],
        &segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01abc"),
        &segment(0xe1, &exif(side, little)),
        &segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", CANARY].concat()),
        &segment(0xe2, b"ICC_PROFILE\0\x01\x01colours"),
        &segment(0xe2, &[b"MPF\0", CANARY].concat()),
        &segment(0xed, &[b"Photoshop 3.0\0", CANARY].concat()),
        &segment(0xee, b"Adobe\0d\0\0\0\0\x01"),
        &segment(0xfe, CANARY),
        &segment(0xdb, &[1; 65]),
        &segment(0xc2, &[2; 15]),
        &segment(0xc4, &[3; 20]),
        &segment(0xda, &[4; 10]),
        &[9, 0xff, 0, 8, 0xff, 0xd0, 7],
        &segment(0xfe, CANARY),
        &[0xff, 0xff],
        &segment(0xc4, &[5; 20])[1..],
        &segment(0xda, &[6; 10]),
        &[1, 2, 3],
        &[0xff, 0xd9],
        CANARY,
    ]
    .concat()
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [
        &u32::try_from(body.len()).unwrap().to_be_bytes()[..],
        name,
        body,
        &[1, 2, 3, 4],
    ]
    .concat()
}

fn png() -> Vec<u8> {
    [
        png::BEGIN,
        &chunk(b"IHDR", &[0; 13]),
        &chunk(b"gAMA", &[0; 4]),
        &chunk(b"eXIf", CANARY),
        &chunk(b"tEXt", CANARY),
        &chunk(b"iTXt", CANARY),
        &chunk(b"zTXt", CANARY),
        &chunk(b"tIME", &[7; 7]),
        &chunk(b"prVt", CANARY),
        &chunk(b"IDAT", b"picture"),
        &chunk(b"IEND", b""),
        CANARY,
    ]
    .concat()
}

fn riff(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if body.len() % 2 == 1 { &[0] } else { &[] };
    [
        &name[..],
        &u32::try_from(body.len()).unwrap().to_le_bytes(),
        body,
        padding,
    ]
    .concat()
}

fn webp() -> Vec<u8> {
    let frame = [&[0; 16][..], &riff(b"VP8L", b"frame"), &riff(b"note", CANARY)].concat();
    let chunks = [
        b"WEBP".to_vec(),
        riff(b"VP8X", &[0x2e, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"ICCP", b"colours"),
        riff(b"ANIM", &[0; 6]),
        riff(b"ANMF", &frame),
        riff(b"EXIF", CANARY),
        riff(b"XMP ", CANARY),
        riff(b"what", CANARY),
    ]
    .concat();
    [riff(b"RIFF", &chunks), CANARY.to_vec()].concat()
}

fn gif() -> Vec<u8> {
    let blocks = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()][..], bytes, &[0]].concat();
    [
        &b"GIF89a\x02\0\x02\0\x80\0\0"[..],
        &[1; 6],
        &[0x21, 0xff, 11],
        b"NETSCAPE2.0",
        &[3, 1, 0, 0, 0],
        &[0x21, 0xff, 11],
        b"XMP DataXMP",
        &blocks(CANARY),
        &[0x21, 0xfe],
        &blocks(CANARY),
        &[0x21, 0xf9],
        &blocks(&[0; 4]),
        &[0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0x80],
        &[2; 6],
        &[2],
        &blocks(b"picture"),
        &[0x3b],
        CANARY,
    ]
    .concat()
}

#[test]
fn what_a_camera_wrote_is_gone_and_the_picture_is_there() {
    let pictures: [Picture; 4] = [
        (
            "jpeg",
            jpeg(1, false),
            &[
                &[1; 65],
                &[2; 15],
                &[9, 0xff, 0, 8, 0xff, 0xd0, 7],
                &[5; 20],
                b"ICC_PROFILE",
                b"Adobe",
            ],
        ),
        ("png", png(), &[b"IHDR", b"gAMA", b"picture", b"IEND"]),
        ("webp", webp(), &[b"VP8X", b"colours", b"frame"]),
        ("gif", gif(), &[b"NETSCAPE2.0", b"picture", &[2; 6]]),
    ];
    for (name, file, parts) in pictures {
        assert!(holds_canary(&file), "the control: {name} tells where it was made");
        let Ok(Bare::Without(bare)) = Bare::of(&file) else {
            panic!("{name} has something to leave out")
        };
        assert!(!holds_canary(&bare), "{name}");
        for part in parts {
            assert!(
                bare.windows(part.len()).any(|window| window == *part),
                "{name} lost {part:?}"
            );
        }
        assert!(Bare::knows(&file[..Bare::HEAD]));
        assert_eq!(
            Bare::of(&bare),
            Ok(Bare::AsItIs),
            "{name}: what is bare is left as it is"
        );
    }
}

#[test]
fn an_image_stays_upright() {
    for little in [false, true] {
        let Ok(Bare::Without(bare)) = Bare::of(&jpeg(6, little)) else {
            panic!()
        };
        let exif = bare.windows(4).position(|window| window == b"Exif").expect("is there");
        assert!(
            bare[exif..exif + 40]
                .windows(10)
                .any(|window| window == b"\x01\x12\0\x03\0\0\0\x01\0\x06")
        );
        assert!(!holds_canary(&bare));
        assert_eq!(Bare::of(&bare), Ok(Bare::AsItIs));
        assert!(bare.starts_with(&[0xff, 0xd8, 0xff, 0xe0]), "JFIF stays first");
    }
    for plain in [0, 1, 9] {
        let Ok(Bare::Without(bare)) = Bare::of(&jpeg(plain, false)) else {
            panic!()
        };
        assert!(!bare.windows(4).any(|window| window == b"Exif"), "{plain} says nothing");
    }
}

#[test]
fn what_is_no_image_is_left_alone_and_what_is_a_broken_one_is_not_sent_in_the_belief_that_it_is_bare() {
    for file in [&b""[..], b"GIF", b"RIFF....WAVE", b"%PDF-1.7", b"II*\0"] {
        assert_eq!(Bare::of(file), Ok(Bare::NoImage));
    }
    for whole in [png(), webp(), gif()] {
        let end = whole.len() - CANARY.len();
        assert!(Bare::of(&whole[..end]).is_ok());
        for cut in [14, 30, end / 2, end - 1] {
            assert_eq!(Bare::of(&whole[..cut]), Err(BrokenImage), "{cut} of {end}");
        }
    }
    let whole = jpeg(1, false);
    for cut in [5, 40, 100] {
        assert_eq!(Bare::of(&whole[..cut]), Err(BrokenImage), "{cut}");
    }
    let mut critical = png();
    let at = critical.windows(4).position(|window| window == b"prVt").unwrap();
    critical[at] = b'P';
    assert_eq!(
        Bare::of(&critical),
        Err(BrokenImage),
        "a part that nobody knows and that is needed"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_bare_broken_or_no_image_and_what_is_bare_stays_so(
        kind in 0usize..4,
        at in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = [jpeg(6, true), png(), webp(), gif()][kind].clone();
        for (at, byte) in at {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len() + 1));
        if let Ok(Bare::Without(bare)) = Bare::of(&file) {
            prop_assert!(bare.len() <= file.len() + 64, "it does not grow");
            prop_assert_eq!(Bare::of(&bare), Ok(Bare::AsItIs));
        }
    }
}
