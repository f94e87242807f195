//! What the mailboxes of the network could write down together.

use super::pipe::End;
use futures::{AsyncReadExt, AsyncWriteExt};
use outis_wire::{Isolation, NodeId, UnixMillis, frame};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One stream as its mailbox saw it, and who was at the other end, which it did not.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The mailbox.
    pub node: NodeId,
    /// By which way it came: two streams with one value came over the same relays.
    pub way: Isolation,
    /// Who it was.
    pub person: u32,
    /// When it came.
    pub at: UnixMillis,
    /// What was said to the mailbox, frame by frame.
    pub frames: Vec<Vec<u8>>,
}

/// Everything heard so far. Clones are handles to the same.
#[derive(Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Vec<Heard>>>);

impl Tap {
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.streams().clone()
    }

    /// Passes everything on and writes down what the user says.
    pub(super) async fn stand_between(self, mut heard: Heard, user: End, server: End) {
        let (mut from_user, mut to_user) = user.split();
        let (mut from_server, mut to_server) = server.split();
        let requests = async {
            while let Ok(Some(frame)) = frame::read(&mut from_user, LIMIT).await {
                if frame::write(&mut to_server, &frame).await.is_err() || to_server.flush().await.is_err() {
                    break;
                }
                heard.frames.push(frame);
            }
        };
        let replies = async {
            while let Ok(Some(frame)) = frame::read(&mut from_server, LIMIT).await {
                if frame::write(&mut to_user, &frame).await.is_err() || to_user.flush().await.is_err() {
                    break;
                }
            }
        };
        futures::future::select(std::pin::pin!(requests), std::pin::pin!(replies)).await;
        self.streams().push(heard);
    }

    fn streams(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LIMIT: usize = 1 << 20;
