//! Drawing without favour.

use outis_crypto::CryptoRng;

/// One of them, each as likely as the others (to 2^-64 times their number).
pub(crate) fn one_of<'a, T>(items: &'a [T], rng: &mut impl CryptoRng) -> Option<&'a T> {
    let number = below(items.len() as u64, rng);
    items.get(usize::try_from(number).ok()?)
}

/// All of them, in an order of chance (Fisher and Yates).
pub(crate) fn shuffled<T>(mut items: Vec<T>, rng: &mut impl CryptoRng) -> Vec<T> {
    for last in (1..items.len()).rev() {
        let other = below(last as u64 + 1, rng);
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
    items
}

/// A number from 0 to `end`, without `end`; 0 if that is 0.
pub(crate) fn below(end: u64, rng: &mut impl CryptoRng) -> u64 {
    let wide = u128::from(rng.next_u64()) * u128::from(end);
    u64::try_from(wide >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn each_is_drawn_about_as_often_as_the_others() {
        let mut rng = rng(1);
        let (mut drawn, mut first) = ([0u32; 7], [0u32; 7]);
        for _ in 0..70_000 {
            drawn[*one_of(&[0, 1, 2, 3, 4, 5, 6], &mut rng).unwrap()] += 1;
            first[shuffled(vec![0, 1, 2, 3, 4, 5, 6], &mut rng)[0]] += 1;
        }
        assert!(
            drawn.iter().chain(&first).all(|count| (9_600..10_400).contains(count)),
            "{drawn:?} {first:?}"
        );
        assert_eq!(one_of::<u8>(&[], &mut rng), None);
    }
}
