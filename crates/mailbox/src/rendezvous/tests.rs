use super::*;
use crate::testing::{check_vectors, pipe, rng};
use futures::{executor::block_on, future::join as both};

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-rendezvous.txt");

#[test]
fn the_greeting_has_not_changed() {
    block_on(async {
        let (mut near, mut far) = pipe(64);
        let client = async {
            let cookie = Cookie([7; 32]);
            join(&mut near, &cookie).await.expect("joined");
        };
        let relay = async {
            let mut greeting = vec![0; GREETING];
            far.read_exact(&mut greeting).await.expect("33 bytes");
            check_vectors(
                VECTORS,
                &[("greeting", greeting), ("joined", vec![Answer::Joined as u8])],
            );
            answer(&mut far, Answer::Joined).await.expect("an open pipe");
        };
        both(client, relay).await;
    });
}

#[test]
fn the_client_learns_what_became_of_its_cookie() {
    for (said, heard) in [
        (1, "joined"),
        (2, "expired"),
        (3, "busy"),
        (0, "protocol"),
        (9, "protocol"),
    ] {
        block_on(async {
            let (mut near, mut far) = pipe(64);
            let cookie = Cookie::random(&mut rng(1));
            let relay = async {
                assert_eq!(read_cookie(&mut far).await.expect("a cookie"), cookie);
                far.write_all(&[said]).await.expect("an open pipe");
            };
            let (result, ()) = both(join(&mut near, &cookie), relay).await;
            let result = match result {
                Ok(()) => "joined",
                Err(JoinError::Expired) => "expired",
                Err(JoinError::Busy) => "busy",
                Err(JoinError::Protocol) => "protocol",
                Err(JoinError::Stream(_)) => "stream",
            };
            assert_eq!(result, heard);
        });
    }
}

#[test]
fn another_version_and_a_cut_greeting_are_refused() {
    block_on(async {
        assert!(matches!(read_cookie(&mut &[2; 33][..]).await, Err(JoinError::Protocol)));
        assert!(matches!(
            read_cookie(&mut &[1; 32][..]).await,
            Err(JoinError::Stream(_))
        ));
        assert!(matches!(read_cookie(&mut &[][..]).await, Err(JoinError::Stream(_))));
        assert_eq!(read_cookie(&mut &[1; 33][..]).await.expect("a cookie"), Cookie([1; 32]));
    });
}
