//! R19: two relays that work together, one of which changes what passes, and one that looks for it further along.

use super::*;

/// What the second of them sees with and without the change: `true` if anything but chance makes the one look like the
/// other. That is more than a real one could know, who never has both.
fn is_recognised(seen: &Cell, unchanged: &Cell) -> bool {
    let bits = seen.as_bytes().iter().zip(unchanged.as_bytes());
    let same = bits.map(|(a, b)| (a ^ b).count_zeros()).sum::<u32>() as usize;
    let blocks = seen.as_bytes().chunks(TAG).zip(unchanged.as_bytes().chunks(TAG));
    // Of 36 864 bits half agree by chance, give or take 96: 600 are six times that.
    same.abs_diff(Cell::BYTES * 4) > 600 || blocks.into_iter().any(|(a, b)| a == b)
}

fn flip(cell: &mut Cell, bit: usize) {
    cell.block()[bit / 8] ^= 1 << (bit % 8);
}

/// Every bit in turn, in no order.
fn bits() -> impl Iterator<Item = usize> {
    (0..10_000).map(|number| number * 7_919 % (Cell::BYTES * 8))
}

/// A relay's layer that can be gone through twice.
fn twice(rng: &mut ChaCha20Rng) -> (ClientLayers, [Vec<RelayLayers>; 2]) {
    let mut again = rng.clone();
    let (client, relays) = bare(3, rng);
    (client, [relays, bare(3, &mut again).1])
}

#[test]
fn a_bit_flipped_by_the_guard_is_recognised_by_the_third_relay_in_0_of_10_000() {
    let mut rng = rng(19);
    let mut caught = 0;
    for bit in bits() {
        let (mut client, [mut relays, mut unchanged]) = twice(&mut rng);
        let cell = client.seal(2, data(1)).unwrap();
        let through = |relays: &mut [RelayLayers], flipped: Option<usize>| {
            let [guard, middle, last] = relays else {
                unreachable!("three were made")
            };
            let Ok(Forward::NotMine(mut cell)) = guard.forward(cell.clone()) else {
                unreachable!("it is the third's")
            };
            if let Some(bit) = flipped {
                flip(&mut cell, bit);
            }
            let Ok(Forward::NotMine(mut cell)) = middle.forward(cell) else {
                return None;
            };
            let Layer { cipher, chain, .. } = &mut last.forward;
            cipher.encrypt(chain, cell.block());
            Some(cell)
        };
        let seen = through(&mut relays, Some(bit)).expect("recognised by the middle one");
        let unchanged = through(&mut unchanged, None).unwrap();
        caught += usize::from(is_recognised(&seen, &unchanged) || seen.tag() == unchanged.tag());
    }
    assert_eq!(caught, 0);
}

#[test]
fn a_bit_flipped_by_the_third_relay_is_recognised_by_the_guard_in_0_of_10_000() {
    let mut rng = rng(91);
    let mut caught = 0;
    for bit in bits() {
        let (_, [mut relays, mut unchanged]) = twice(&mut rng);
        let through = |relays: &mut [RelayLayers], flipped: Option<usize>| {
            let [_, middle, last] = relays else {
                unreachable!("three were made")
            };
            let mut cell = last.originate(data(1));
            if let Some(bit) = flipped {
                flip(&mut cell, bit);
            }
            middle.backward(cell)
        };
        let seen = through(&mut relays, Some(bit));
        caught += usize::from(is_recognised(&seen, &through(&mut unchanged, None)));
    }
    assert_eq!(caught, 0);
}

/// The control: layers as Tor had them for twenty years, where a flipped bit comes out where it went in.
#[test]
fn a_layer_of_a_plain_stream_cipher_is_caught_in_each_of_10_000() {
    let mut rng = rng(20);
    let mut caught = 0;
    for bit in bits() {
        let mut streams = [[0; Cell::BYTES]; 2];
        streams.iter_mut().for_each(|stream| rng.fill_bytes(stream));
        let through = |flipped: Option<usize>| {
            let mut cell = data(1).into_cell();
            if let Some(bit) = flipped {
                flip(&mut cell, bit);
            }
            for stream in &streams {
                cell.block().iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
            }
            cell
        };
        caught += usize::from(is_recognised(&through(Some(bit)), &through(None)));
    }
    assert_eq!(caught, 10_000);
}
