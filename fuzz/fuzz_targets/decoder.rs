//! One decoder of the table, named by `OUTIS_DECODER`, under libFuzzer. One program for all of them, because linking it
//! takes longer than most of them need.

#![no_main]

use libfuzzer_sys::fuzz_target;
use outis_fuzz::Decoder;
use std::sync::LazyLock;

static DECODER: LazyLock<&Decoder> = LazyLock::new(|| {
    let name = std::env::var("OUTIS_DECODER").expect("OUTIS_DECODER names a decoder");
    outis_fuzz::decoder(&name).unwrap_or_else(|| panic!("there is no decoder {name}"))
});

fuzz_target!(|bytes: &[u8]| {
    (DECODER.reads)(bytes);
});
