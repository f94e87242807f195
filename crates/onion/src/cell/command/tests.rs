use super::*;
use crate::testing::Hop;
use proptest::prelude::*;

fn every_command() -> Vec<Command> {
    let mut hop = Hop::new(1);
    let (_, create) = hop.begin(1);
    let (_, created) = hop.answer(&create, 2).unwrap();
    let extend = Extend {
        descriptor: hop.signed(),
        create,
    };
    let mut all = vec![
        Command::Extend(Box::new(extend)),
        Command::Extended(Box::new(created)),
        Command::Connected,
        Command::Data(Payload::first_of(b"text")),
        Command::Data(Payload::first_of(b"")),
        Command::Data(Payload::first_of(&[7; Payload::MAX])),
        Command::Credit(1),
        Command::Credit(u16::MAX),
        Command::Padding,
        Command::End,
    ];
    all.extend([Service::Mailbox, Service::Directory, Service::Rendezvous].map(Command::Begin));
    all.extend(Refusal::ALL.map(Command::Refused));
    all
}

#[test]
fn every_command_survives_its_cell() {
    for command in every_command() {
        let cell = command.clone().into_cell();
        assert_eq!(Command::from_cell(cell), Ok(command));
    }
}

/// The golden bytes: everything between the tag and the zeros.
#[test]
fn the_bytes_are_those_of_the_vectors() {
    let lines = every_command().into_iter().enumerate().filter_map(|(number, command)| {
        // A full cell says no more than a short one.
        if matches!(&command, Command::Data(payload) if payload.as_bytes().len() == Payload::MAX) {
            return None;
        }
        let name = format!("{command:?}");
        let name = name.split('(').next().unwrap_or_default().to_lowercase();
        let cell = command.into_cell();
        let length = u16::from_be_bytes(cell.as_bytes()[TAG + 1..HEAD].try_into().unwrap());
        Some(format!(
            "{name} {number} = {}\n",
            hex::encode(&cell.as_bytes()[TAG..HEAD + usize::from(length)])
        ))
    });
    let written: String = lines.collect();
    let golden = include_str!("../../../../../tests/vectors/onion-commands.txt");
    assert_eq!(written, golden.replace("\r\n", "\n"), "{written}");
}

#[test]
fn a_payload_takes_what_fits_and_a_whole_small_envelope_fits() {
    let bytes = [9; Payload::MAX + 1];
    assert_eq!(Payload::first_of(&bytes).as_bytes(), &bytes[..Payload::MAX]);
    const { assert!(Payload::MAX > 4_096 + 256) };
}

fn cell(kind: u8, body: &[u8]) -> Cell {
    let mut cell = Cell::zeroed();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let bytes = [&[kind][..], &length, body].concat();
    cell.block()[TAG..TAG + bytes.len()].copy_from_slice(&bytes);
    cell
}

#[test]
fn what_is_no_command_is_refused() {
    for kind in [0, 10, 255] {
        assert_eq!(Command::from_cell(cell(kind, b"")), Err(BadCommand), "{kind}");
    }
    for kind in [4, 8, 9] {
        assert_eq!(
            Command::from_cell(cell(kind, b"x")),
            Err(BadCommand),
            "{kind} with a body"
        );
    }
    for kind in [1, 2, 3, 5, 7] {
        assert_eq!(
            Command::from_cell(cell(kind, b"")),
            Err(BadCommand),
            "{kind} without one"
        );
    }
    assert_eq!(Command::from_cell(cell(3, &[4])), Err(BadCommand), "an unknown service");
    assert_eq!(Command::from_cell(cell(5, &[9])), Err(BadCommand), "an unknown refusal");
    assert_eq!(Command::from_cell(cell(7, &[0, 0])), Err(BadCommand), "no credit");
    let mut longer = cell(8, b"");
    longer.block()[Cell::BYTES - 1] = 1;
    assert_eq!(Command::from_cell(longer), Err(BadCommand), "something behind it");
    let mut too_long = cell(6, b"");
    too_long.block()[TAG + 1..TAG + 3].copy_from_slice(&4_590u16.to_be_bytes());
    assert_eq!(Command::from_cell(too_long), Err(BadCommand), "longer than a cell");
}

proptest! {
    #[test]
    fn any_bytes_are_at_most_one_command_that_is_written_as_they_are(kind in 0u8..12, body in proptest::collection::vec(any::<u8>(), 0..40)) {
        let cell = cell(kind, &body);
        if let Ok(command) = Command::from_cell(cell.clone()) {
            prop_assert_eq!(command.into_cell(), cell);
        }
    }
}
