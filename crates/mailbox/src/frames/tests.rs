use super::*;
use crate::testing::pipe;
use futures::{AsyncWriteExt, executor::block_on, future::poll_fn};

#[test]
fn frames_come_out_as_they_went_in_however_they_are_cut() {
    block_on(async {
        let frames: Vec<Vec<u8>> = (0..50).map(|i: usize| vec![7; i * 37 % 500]).collect();
        let mut writer = FrameWriter::default();
        frames.iter().for_each(|frame| writer.push(frame));
        // A pipe of seven bytes cuts everywhere.
        let (mut near, mut far) = pipe(7);
        let write = poll_fn(|task| writer.poll_drain(task, &mut near));
        let read = async {
            let mut reader = FrameReader::default();
            let mut seen = Vec::new();
            while seen.len() < frames.len() {
                let frame = poll_fn(|task| reader.poll_frame(task, &mut far, 500))
                    .await
                    .expect("a frame");
                seen.push(frame.expect("not the end"));
            }
            seen
        };
        let (written, seen) = futures::future::join(write, read).await;
        written.expect("an open pipe");
        assert_eq!(seen, frames);
    });
}

#[test]
fn a_length_over_the_limit_is_refused_before_its_bytes_come() {
    assert_eq!(read(&[0, 0, 0, 9]), Err(io::ErrorKind::InvalidData));
    assert_eq!(read(&[0xff; 4]), Err(io::ErrorKind::InvalidData));
    assert_eq!(read(&[0, 0, 0, 8]), Err(io::ErrorKind::UnexpectedEof));
    assert_eq!(read(&[0, 0]), Err(io::ErrorKind::UnexpectedEof));
    assert_eq!(read(&[]), Ok(None));
    assert_eq!(read(&[0, 0, 0, 1, 5]), Ok(Some(vec![5])));
}

fn read(bytes: &[u8]) -> Result<Option<Vec<u8>>, io::ErrorKind> {
    block_on(async {
        let (mut near, mut far) = pipe(64);
        near.write_all(bytes).await.expect("room");
        drop(near);
        let mut reader = FrameReader::default();
        poll_fn(|task| reader.poll_frame(task, &mut far, 8))
            .await
            .map_err(|error| error.kind())
    })
}
