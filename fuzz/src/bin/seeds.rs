//! `seeds FOLDER`: writes the golden bytes of each decoder to `FOLDER/<decoder>/`, and the decoders' names to standard
//! output, one a line. `scripts/fuzz` begins with it.

use outis_fuzz::{DECODERS, golden};
use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    for decoder in DECODERS {
        fs::create_dir_all(folder.join(decoder.name))?;
        writeln!(io::stdout(), "{}", decoder.name)?;
    }
    for sample in golden::samples() {
        fs::write(
            folder.join(sample.decoder).join(format!("golden-{}", sample.name)),
            sample.bytes,
        )?;
    }
    Ok(())
}
