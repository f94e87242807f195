//! What relays do for clients.

use crate::support::{client, open, relay, soon};
use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use outis_mailbox::rendezvous::{Cookie, join as meet};
use outis_wire::Service;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_streams_with_one_cookie_are_joined_and_carry_bytes_both_ways() {
    let relay = relay(&[]).await;
    let (ada, bob) = (client(&relay.addresses()), client(&relay.addresses()));
    let cookie = Cookie([5; 32]);
    let mut one = open(&ada, relay.node(), Service::Rendezvous).await;
    let mut other = open(&bob, relay.node(), Service::Rendezvous).await;
    let (first, second) = soon(join(meet(&mut one, &cookie), meet(&mut other, &cookie))).await;
    first.expect("joined");
    second.expect("joined");

    let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let (there, back) = (sent.clone(), sent.iter().rev().copied().collect::<Vec<_>>());
    let (mut from_one, mut to_one) = one.split();
    let (mut from_other, mut to_other) = other.split();
    let send_there = async {
        to_one.write_all(&there).await.expect("written");
        to_one.close().await.expect("closed");
    };
    let send_back = async {
        to_other.write_all(&back).await.expect("written");
        to_other.close().await.expect("closed");
    };
    let (mut got_there, mut got_back) = (Vec::new(), Vec::new());
    let ((), (), there_read, back_read) = soon(async {
        futures::join!(
            send_there,
            send_back,
            from_other.read_to_end(&mut got_there),
            from_one.read_to_end(&mut got_back)
        )
    })
    .await;
    there_read.expect("read");
    back_read.expect("read");
    assert!(got_there == sent && got_back == back);
    assert_eq!(relay.status().bytes_carried, 6_000_000);
    soon(ada.shutdown()).await;
    soon(bob.shutdown()).await;
    soon(relay.shutdown()).await;
}
