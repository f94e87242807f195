//! R18: what the streams of a circuit show of what is said over them.

use super::*;
use crate::client::line::Line;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_of_up_to_a_kibibyte_are_one_cell_each_and_nothing_on_a_circuit_has_another_size() {
    let story = Story::new(4).await;
    let line = Line::of(&story.client, 0);
    let mut meeting = None;
    let built = line
        .shown(async { meeting = Some(story.meeting(&[0, 1, 2, 3], 1).await) })
        .await;
    assert!(
        built.0 > 8 && built.1 > 8,
        "building and meeting is cells and nothing else"
    );
    let ((mut here, mut there), carrying) = meeting.expect("they met");
    // Fewer than there is credit for, so that nothing is said but the texts.
    let mut shown = BTreeMap::<(u64, u64), usize>::new();
    for length in [1, 2, 17, 140, 500, 1_000, 1_023, 1_024, 4_000] {
        *shown
            .entry(line.shown(say(&mut here, &mut there, length)).await)
            .or_default() += 1;
    }
    assert_eq!(shown, [((1, 1), 9)].into(), "one cell from here and one to there");
    // The control: what does not fit into one cell is seen.
    let longer = line.shown(say(&mut here, &mut there, Payload::MAX + 1)).await;
    assert_eq!(longer, (2, 2));
    drop((here, there));
    for carried in carrying {
        // However it ended.
        let _ = soon(carried).await;
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_does_not_understand_whose_cells_are_one_byte_longer() {
    let story = Story::new(1).await;
    let hop = story.hop(0);
    for longer in [0, 1] {
        let mut stream = soon(story.client.opener().guard(&hop.descriptor))
            .await
            .expect("a stream");
        let (pending, create) = begin(&network(), &hop.descriptor, &mut os_rng());
        stream.write_all(create.to_cell().as_bytes()).await.expect("written");
        stream.flush().await.expect("sent");
        let created = Created::from_cell(&receive(&mut stream).await.expect("an answer")).expect("an answer");
        let mut layers = ClientLayers::new();
        layers.push(pending.finish(&created).expect("of that relay"));
        // Nothing is said to padding; to what follows it there is an answer, if it is understood.
        let mut wire = Vec::new();
        for command in [Command::Padding, Command::Begin(Service::Mailbox)] {
            let cell = layers.seal(0, command).expect("one relay");
            wire.extend_from_slice(cell.as_bytes());
            wire.extend(vec![0; longer]);
        }
        stream.write_all(&wire).await.expect("written");
        stream.flush().await.expect("sent");
        let answer = receive(&mut stream).await.map(|cell| layers.open(cell));
        match longer {
            0 => assert!(matches!(answer, Some(Ok((0, Command::Connected)))), "control"),
            _ => assert!(answer.is_none(), "its circuit ends"),
        }
    }
    story.end().await;
}

/// The next cell, if one comes.
async fn receive(stream: &mut streams::Stream) -> Option<Cell> {
    let mut cell = Box::new([0; Cell::BYTES]);
    soon(stream.read_exact(&mut cell[..])).await.ok()?;
    Some(Cell::from_bytes(cell))
}

async fn say(from: &mut Near, to: &mut Near, length: usize) {
    from.write_all(&vec![7; length]).await.expect("written");
    from.flush().await.expect("sent");
    to.read_exact(&mut vec![0; length]).await.expect("read");
}
