//! A mailbox that does not do what it says.

use super::pipe::End;
use futures::AsyncReadExt;
use futures::AsyncWriteExt;
use outis_wire::frame;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a hostile mailbox does to its users, each to so many in a hundred of the envelopes that pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hostility {
    /// Says that it has stored an envelope, and throws it away.
    pub drops: u32,
    /// Delivers an envelope that came before once more, under a new number.
    pub replays: u32,
    /// Holds an envelope back until after the next one.
    pub reorders: u32,
    /// Delivers bytes of its own making.
    pub injects: u32,
}

/// A mailbox that has turned, and what it has done.
pub struct Hostile {
    what: Hostility,
    done: AtomicU64,
    inner: Mutex<Inner>,
}

struct Inner {
    rng: ChaCha20Rng,
    /// Envelopes as they were delivered: number of the subscription, and the rest of the frame.
    past: Vec<Vec<u8>>,
    held: Option<Vec<u8>>,
    next: u64,
}

impl Hostile {
    pub(super) fn new(what: Hostility, seed: u64) -> Self {
        let inner = Inner {
            rng: ChaCha20Rng::seed_from_u64(seed),
            past: Vec::new(),
            held: None,
            next: 1 << 40,
        };
        Self {
            what,
            done: AtomicU64::new(0),
            inner: Mutex::new(inner),
        }
    }

    /// Passes frames on, or not.
    pub(super) async fn stand_between(&self, user: End, server: End) {
        let (mut from_user, to_user) = user.split();
        let (mut from_server, mut to_server) = server.split();
        let to_user = futures::lock::Mutex::new(to_user);
        let requests = async {
            while let Ok(Some(frame)) = frame::read(&mut from_user, LIMIT).await {
                if tag(&frame) == PUT && self.happens(self.what.drops) {
                    let number = frame.get(..4).unwrap_or_default();
                    let answer = [number, &STORED.to_be_bytes()].concat();
                    let mut to_user = to_user.lock().await;
                    if frame::write(&mut *to_user, &answer).await.is_err() || to_user.flush().await.is_err() {
                        return;
                    }
                    continue;
                }
                if frame::write(&mut to_server, &frame).await.is_err() || to_server.flush().await.is_err() {
                    return;
                }
            }
        };
        let replies = async {
            while let Ok(Some(frame)) = frame::read(&mut from_server, LIMIT).await {
                let mut to_user = to_user.lock().await;
                for frame in self.deliver(frame) {
                    if frame::write(&mut *to_user, &frame).await.is_err() {
                        return;
                    }
                }
                if to_user.flush().await.is_err() {
                    return;
                }
            }
        };
        futures::future::select(std::pin::pin!(requests), std::pin::pin!(replies)).await;
    }

    /// How often it did anything.
    pub fn count(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn deliver(&self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        if tag(&frame) != DELIVERED {
            return vec![frame];
        }
        let what = self.what;
        let (reorders, replays, injects) = (
            self.happens(what.reorders),
            self.happens(what.replays),
            self.happens(what.injects),
        );
        let mut inner = self.inner();
        let mut out = Vec::new();
        if reorders {
            out.extend(inner.held.replace(frame.clone()));
        } else {
            out.push(frame.clone());
            out.extend(inner.held.take());
        }
        // In this subscription, under numbers that are not taken.
        let subscription = frame.get(..6).unwrap_or_default();
        let past = inner.past.first().cloned();
        if let Some(past) = past.filter(|_| replays) {
            inner.next += 1;
            out.push(
                [
                    subscription,
                    &inner.next.to_be_bytes(),
                    past.get(14..).unwrap_or_default(),
                ]
                .concat(),
            );
        }
        if injects {
            inner.next += 1;
            let mut forged = vec![0; 4_096];
            inner.rng.fill_bytes(&mut forged);
            out.push([subscription, &inner.next.to_be_bytes(), &forged].concat());
        }
        inner.past.push(frame);
        out
    }

    fn happens(&self, percent: u32) -> bool {
        let happens = self.inner().rng.next_u32() % 100 < percent;
        if happens {
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        happens
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tag(frame: &[u8]) -> u16 {
    match frame.get(4..6) {
        Some([high, low]) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

const PUT: u16 = 0x0104;
const STORED: u16 = 0x0185;
const DELIVERED: u16 = 0x0189;
const LIMIT: usize = 1 << 20;
