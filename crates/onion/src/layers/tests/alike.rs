//! R26: nothing in a cell tells a relay where it stands.

use super::*;

/// Links of a circuit of four hops: before each hop, in each direction.
const PLACES: usize = 8;

const CELLS: usize = 400;

/// For each place, cells as they are seen there, each of another circuit, all saying the same.
fn seen() -> Vec<[Cell; PLACES]> {
    let mut rng = rng(26);
    let cells = (0..CELLS).map(|_| {
        let (mut client, mut relays) = bare(4, &mut rng);
        let mut places = Vec::new();
        let mut cell = client.seal(3, Command::Padding).unwrap();
        for relay in &mut relays {
            places.push(cell.clone());
            match relay.forward(cell) {
                Ok(Forward::NotMine(next)) => cell = next,
                _ => break,
            }
        }
        let (last, before) = relays.split_last_mut().unwrap();
        let mut cell = last.originate(Command::Padding);
        places.push(cell.clone());
        for relay in before.iter_mut().rev() {
            cell = relay.backward(cell);
            places.push(cell.clone());
        }
        places.try_into().unwrap()
    });
    cells.collect()
}

/// χ² of a table: whether its rows are drawn from one distribution.
fn homogeneity(rows: &[[f64; 16]]) -> f64 {
    let total: f64 = rows.iter().flatten().sum();
    let of_row = |row: &[f64; 16]| row.iter().sum::<f64>();
    let of_column = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>();
    let cells = rows.iter().flat_map(|row| {
        (0..16).map(move |column| {
            let expected = of_row(row) * of_column(column) / total;
            if expected == 0.0 {
                0.0
            } else {
                (row[column] - expected).powi(2) / expected
            }
        })
    });
    cells.sum()
}

/// The value that χ² exceeds by chance with the probability that `z` deviations of a normal one have (Wilson, Hilferty).
fn critical(freedom: f64, z: f64) -> f64 {
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + z * part.sqrt()).powi(3)
}

/// p = 0.01.
const ONE_TEST: f64 = 2.326;

/// p = 0.01 / (2 · 4 608): the most extreme of as many tests.
const EACH_HALF_BYTE: f64 = 4.88;

/// Whether the places can be told apart: by any half of any byte, or by all of them together.
fn tells_places_apart(seen: &[[Cell; PLACES]]) -> bool {
    let freedom = (15 * (PLACES - 1)) as f64;
    let mut all = [[0.0; 16]; PLACES];
    let mut worst = 0f64;
    for offset in 0..Cell::BYTES {
        for shift in [0, 4] {
            let mut rows = [[0.0; 16]; PLACES];
            for cells in seen {
                for (place, cell) in cells.iter().enumerate() {
                    let half = usize::from(cell.as_bytes()[offset] >> shift & 0xf);
                    rows[place][half] += 1.0;
                    all[place][half] += 1.0;
                }
            }
            worst = worst.max(homogeneity(&rows));
        }
    }
    worst > critical(freedom, EACH_HALF_BYTE) || homogeneity(&all) > critical(freedom, ONE_TEST)
}

/// Whether any byte of any place is anything but uniform.
fn tells_cells_from_noise(seen: &[[Cell; PLACES]]) -> bool {
    (0..PLACES).any(|place| {
        let mut counts = [0f64; 256];
        for cells in seen {
            cells[place]
                .as_bytes()
                .iter()
                .for_each(|byte| counts[usize::from(*byte)] += 1.0);
        }
        let expected = (CELLS * Cell::BYTES) as f64 / 256.0;
        let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        // The most extreme of eight.
        chi > critical(255.0, 3.03)
    })
}

#[test]
fn no_byte_of_a_cell_depends_on_the_place_in_the_circuit_or_is_anything_but_noise() {
    let seen = seen();
    assert!(!tells_places_apart(&seen));
    assert!(!tells_cells_from_noise(&seen));
}

#[test]
fn a_cell_that_counts_its_hops_in_one_byte_is_caught() {
    let mut seen = seen();
    for cells in &mut seen {
        for (place, cell) in cells.iter_mut().enumerate() {
            cell.block()[3_000] = cell.block()[3_000] & 0xf0 | place as u8;
        }
    }
    assert!(tells_places_apart(&seen));
}

#[test]
fn a_cell_whose_end_is_not_under_its_layer_is_caught() {
    let mut seen = seen();
    for cells in &mut seen {
        cells[2].block()[4_000..].fill(0);
    }
    assert!(tells_cells_from_noise(&seen));
}
