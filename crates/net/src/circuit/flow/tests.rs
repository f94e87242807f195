//! Two ends in one process, with nothing between them.

use super::*;
use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, future::poll_fn};
use outis_onion::credit::WINDOW;
use std::future::Future;
use tokio::task::JoinHandle;

/// A stream between two users, and the task that carries it. It ends when both have said all, or one breaks the rules.
pub(crate) fn joined() -> (Near, Near, JoinHandle<Result<(), Violation>>) {
    let ((one, mut first), (other, mut second)) = (Flow::new(), Flow::new());
    let carry = tokio::spawn(poll_fn(move |cx| {
        loop {
            let there = pass(&mut first, &mut second, cx)?;
            let back = pass(&mut second, &mut first, cx)?;
            if first.is_over() && second.is_over() {
                return Poll::Ready(Ok(()));
            }
            if !there && !back {
                return Poll::Pending;
            }
        }
    }));
    (one, other, carry)
}

fn pass(from: &mut Flow, to: &mut Flow, cx: &mut Context<'_>) -> Result<bool, Violation> {
    let Poll::Ready(say) = from.poll_say(cx) else {
        return Ok(false);
    };
    match say {
        Say::Credit(cells) => to.hear_credit(cells)?,
        Say::Data(bytes) => to.hear_data(bytes)?,
        Say::End => to.hear_end()?,
    }
    Ok(true)
}

fn next(flow: &mut Flow) -> Option<Say> {
    poll_fn(|cx| flow.poll_say(cx)).now_or_never()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

fn payload(length: usize) -> Payload {
    Payload::first_of(&vec![7; length])
}

#[tokio::test]
async fn bytes_come_as_they_went_in_both_directions_and_each_end_ends_by_itself() {
    let (mut one, mut other, carried) = joined();
    let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let there = sent.clone();
    let writing = tokio::spawn(async move {
        one.write_all(&there).await.expect("written");
        one.close().await.expect("closed");
        let mut answer = Vec::new();
        one.read_to_end(&mut answer).await.expect("read");
        answer
    });
    let mut got = Vec::new();
    other.read_to_end(&mut got).await.expect("read");
    assert!(got == sent);
    other
        .write_all(b"thank you")
        .await
        .expect("the other direction is open still");
    other.close().await.expect("closed");
    assert_eq!(writing.await.expect("no panic"), b"thank you");
    carried.await.expect("no panic").expect("by the rules");
}

#[test]
fn a_write_waits_for_a_flush_or_a_full_cell() {
    let (mut near, mut flow) = Flow::new();
    now(near.write_all(b"a length, ")).expect("room");
    assert_eq!(next(&mut flow), None);
    now(near.write_all(b"and what it is of")).expect("room");
    now(near.flush()).expect("flushed");
    let whole = Payload::first_of(b"a length, and what it is of");
    assert_eq!(next(&mut flow), Some(Say::Data(whole)));
    assert_eq!(next(&mut flow), None);
    now(near.write_all(&vec![7; Payload::MAX + 1])).expect("room");
    assert_eq!(next(&mut flow), Some(Say::Data(payload(Payload::MAX))));
    assert_eq!(next(&mut flow), None);
}

#[test]
fn a_writer_sends_no_more_than_a_window_and_goes_on_with_credit() {
    let (mut near, mut flow) = Flow::new();
    let mut sent = 0;
    while let Some(Ok(_)) = near.write(&[7; 4_096]).now_or_never() {
        while let Some(say) = next(&mut flow) {
            assert!(matches!(say, Say::Data(_)));
            sent += 1;
        }
    }
    assert_eq!(sent, WINDOW);
    flow.hear_credit(2).expect("used before");
    assert!(matches!(next(&mut flow), Some(Say::Data(_))));
    assert!(matches!(next(&mut flow), Some(Say::Data(_))));
    assert_eq!(next(&mut flow), None);
}

#[test]
fn a_reader_that_stalls_gives_no_credit_and_more_than_a_window_is_a_breach() {
    let (mut near, mut flow) = Flow::new();
    for _ in 0..WINDOW {
        flow.hear_data(payload(9)).expect("within the window");
    }
    assert_eq!(next(&mut flow), None);
    let mut read = vec![0; 9 * usize::from(STEP)];
    now(near.read_exact(&mut read)).expect("it is there");
    assert_eq!(next(&mut flow), Some(Say::Credit(STEP)));
    for _ in 0..STEP {
        flow.hear_data(payload(9)).expect("as was granted");
    }
    assert_eq!(flow.hear_data(payload(9)), Err(Violation));
}

#[test]
fn credit_for_what_was_never_sent_is_a_breach_and_so_is_data_after_the_end() {
    let (_near, mut flow) = Flow::new();
    assert_eq!(flow.hear_credit(1), Err(Violation));
    let (_near, mut flow) = Flow::new();
    flow.hear_end().expect("once");
    assert_eq!(flow.hear_data(payload(1)), Err(Violation));
    assert_eq!(flow.hear_end(), Err(Violation));
}

#[test]
fn who_leaves_is_sent_for_no_more_and_what_still_comes_is_not_kept() {
    let (mut near, mut flow) = Flow::new();
    now(near.write_all(b"never flushed")).expect("room");
    flow.hear_data(payload(9)).expect("within the window");
    drop(near);
    assert_eq!(next(&mut flow), Some(Say::End));
    assert!(flow.is_left() && !flow.is_over());
    for _ in 0..10 * WINDOW {
        flow.hear_data(payload(9))
            .expect("credit is given for what nobody will read");
        while let Some(say) = next(&mut flow) {
            assert!(matches!(say, Say::Credit(_)));
        }
    }
    assert_eq!(flow.held().0, 0);
    flow.hear_end().expect("once");
    assert!(flow.is_over());
}

#[test]
fn who_closes_and_leaves_has_said_all() {
    let (mut near, mut flow) = Flow::new();
    now(near.write_all(b"last words")).expect("room");
    assert!(near.close().now_or_never().is_none(), "they are not on their way yet");
    drop(near);
    assert_eq!(next(&mut flow), Some(Say::Data(Payload::first_of(b"last words"))));
    assert_eq!(next(&mut flow), Some(Say::End));
}

#[test]
fn a_circuit_that_breaks_is_no_end() {
    let (mut near, mut flow) = Flow::new();
    flow.hear_data(payload(3)).expect("within the window");
    drop(flow);
    let mut read = Vec::new();
    let outcome = now(near.read_to_end(&mut read));
    assert_eq!(read, [7; 3], "what came before is read");
    assert_eq!(
        outcome.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::ConnectionReset)
    );
    assert!(now(near.write_all(b"x")).is_err());

    let (mut near, mut flow) = Flow::new();
    flow.hear_end().expect("once");
    drop(flow);
    assert_eq!(now(near.read(&mut [0])).expect("control: an end is one"), 0);
}
