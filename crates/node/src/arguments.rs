//! The command line.

use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// An encrypted, anonymous messenger without a server.
#[derive(Parser)]
#[command(name = "outis", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run an account without a screen: JSON-RPC on standard input and output
    Rpc(Rpc),
    /// Run a relay: it passes sealed packets on and keeps sealed mail for others
    Node(Node),
    /// Show the whole story on this machine: a small network, two people, a chat and a file
    Demo(Demo),
    /// Print what a shell needs to complete this command line
    Completions(Completions),
    /// Write the manual's pages into a folder
    Manual(Manual),
}

#[derive(Args)]
pub(crate) struct Rpc {
    /// Where the containers are
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Look for relays on the local network, which tells everybody on it that Outis runs here
    #[arg(long)]
    pub(crate) mdns: bool,
    /// Also be a relay, which shows this machine's address to others
    #[arg(long, requires = "listen")]
    pub(crate) relay: bool,
    /// Where the relay listens, for example /ip4/0.0.0.0/udp/4001/quic-v1
    #[arg(long, value_name = "MULTIADDR", requires = "relay")]
    pub(crate) listen: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Node {
    /// Where its key, mail and records are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Where to listen [default: any free port of every address, QUIC and TCP]
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    /// How much mail and how many records to keep
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    pub(crate) storage_quota: u64,
    /// How much to pass on for others
    #[arg(long, value_name = "RATE", default_value = "10MB/s", value_parser = rate)]
    pub(crate) bandwidth: u64,
    /// Publish counters for Prometheus here
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// How many relays to start
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(6..=32))]
    pub(crate) relays: u16,
    /// How big a file to send
    #[arg(long, default_value = "64MiB", value_parser = size)]
    pub(crate) size: u64,
}

#[derive(Args)]
pub(crate) struct Completions {
    /// For which shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct Manual {
    /// The folder, made where it is missing
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct Network {
    /// Which network; names other than the default keep test networks apart
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) network: String,
    /// A relay to begin with: /ip4/…/udp/…/quic-v1/p2p/12D3KooW…
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) bootstrap: Vec<String>,
    /// Do not look for relays in the BitTorrent Mainline DHT (it is not built yet, so nothing ever does)
    #[arg(long)]
    pub(crate) no_mainline: bool,
}

/// `64MiB`, `1GiB`, `10MB`, `512`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err("a size is a number and B, kB, MB, GB, TB, KiB, MiB, GiB or TiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a size begins with a number".to_owned())?;
    number
        .checked_mul(unit)
        .ok_or_else(|| "that is more than there is".to_owned())
}

/// A size a second: `10MB/s`.
fn rate(text: &str) -> Result<u64, String> {
    size(
        text.strip_suffix("/s")
            .ok_or_else(|| "a rate is a size and /s".to_owned())?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_and_rates_are_read_and_nonsense_is_not() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("512"), Ok(512));
        assert_eq!(rate("10MB/s"), Ok(10_000_000));
        for bad in [
            "",
            "MiB",
            "1mib",
            "-1",
            "1.5GB",
            "99999999999999999999",
            "18446744073709551615KiB",
        ] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
        assert!(rate("10MB").is_err());
    }
}
