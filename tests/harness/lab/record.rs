//! Writes every frame that goes over any link of this host to standard output: its length (4 bytes, big-endian), then the
//! frame. First comes an empty one, which says that from here on nothing is missed.
//!
//! It needs the right to read packets (`CAP_NET_RAW`), which root has, and everybody in a user namespace of their own; and it
//! changes to no other user, which is what `tcpdump` would do and may not do there.

use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let everything = Protocol::from(i32::from(ETH_P_ALL.to_be()));
    let mut socket = Socket::new(Domain::PACKET, Type::RAW, Some(everything))?;
    // As much as the system grants.
    socket.set_recv_buffer_size(BUFFER)?;
    let mut output = io::stdout().lock();
    output.write_all(&[0; 4])?;
    output.flush()?;
    let mut frame = vec![0; LONGEST];
    loop {
        let length = match socket.read(&mut frame) {
            Ok(length) => length,
            // A link that goes down is told once.
            Err(error) if error.raw_os_error() == Some(ENETDOWN) => continue,
            Err(error) => return Err(error),
        };
        let told = u32::try_from(length).expect("shorter than the buffer");
        output.write_all(&told.to_be_bytes())?;
        output.write_all(frame.get(..length).expect("as much as was read"))?;
        output.flush()?;
    }
}

/// All protocols, packet(7).
const ETH_P_ALL: u16 = 3;

const ENETDOWN: i32 = 100;

const BUFFER: usize = 64 << 20;

/// Longer than what offloading puts together.
const LONGEST: usize = 1 << 18;
