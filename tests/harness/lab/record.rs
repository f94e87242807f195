//! Writes every frame that goes over any link of this host to standard output: its length (4 bytes, big-endian), then the
//! frame. First comes an empty one, which says that from here on nothing is missed.
//!
//! It needs the right to read packets (`CAP_NET_RAW`), which root has, and everybody in a user namespace of their own; and it
//! changes to no other user, which is what `tcpdump` would do and may not do there.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io::{self, ErrorKind, Read, Write},
    sync::mpsc::{self, Receiver},
    thread,
};

fn main() -> io::Result<()> {
    let everything = Protocol::from(i32::from(ETH_P_ALL.to_be()));
    let mut socket = Socket::new(Domain::PACKET, Type::RAW, Some(everything))?;
    // As much as the system grants.
    socket.set_recv_buffer_size(BUFFER)?;
    // Whoever reads what is written here may be busy, and the socket must be read all the same.
    let (frames, waiting) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || write(&waiting));
    frames.send(Vec::new()).map_err(|_| ErrorKind::BrokenPipe)?;
    let mut frame = vec![0; LONGEST];
    loop {
        let length = match socket.read(&mut frame) {
            Ok(length) => length,
            // A link that goes down is told once.
            Err(error) if error.raw_os_error() == Some(ENETDOWN) => continue,
            Err(error) => return Err(error),
        };
        let frame = frame.get(..length).expect("as much as was read");
        frames.send(frame.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
    }
}

/// Ends when nobody reads any more.
fn write(frames: &Receiver<Vec<u8>>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for frame in frames {
        let length = u32::try_from(frame.len()).expect("shorter than the buffer");
        output.write_all(&length.to_be_bytes())?;
        output.write_all(&frame)?;
        output.flush()?;
    }
    Ok(())
}

/// All protocols, packet(7).
const ETH_P_ALL: u16 = 3;

const ENETDOWN: i32 = 100;

const BUFFER: usize = 64 << 20;

/// Longer than what offloading puts together.
const LONGEST: usize = 1 << 18;
