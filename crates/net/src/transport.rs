//! How nodes are connected: TCP with Noise and Yamux, and QUIC, behind a gate that refuses to dial anything else.

mod race;

use crate::{
    Limits,
    address::{self, Scoping},
};
use futures::{FutureExt, future::BoxFuture};
use libp2p::{
    Multiaddr, PeerId, Transport as _,
    core::{
        muxing::StreamMuxerBox,
        transport::{self, Boxed, DialOpts, ListenerId, TransportError, TransportEvent},
        upgrade::Version,
    },
    identity::Keypair,
    noise, quic, swarm, tcp, yamux,
};
use race::Races;
use std::{
    num::{NonZeroU8, NonZeroUsize},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// The one transport of both kinds of swarm.
pub(crate) fn build(
    key: &Keypair,
    limits: &Limits,
    scope: Scoping,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, noise::Error> {
    let mut muxer = yamux::Config::default();
    muxer.set_max_num_streams(
        usize::try_from(limits.streams_per_connection)
            .unwrap_or(usize::MAX)
            .min(YAMUX_MOST),
    );
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(key)?)
        .multiplex(muxer)
        .timeout(limits.handshake)
        .boxed();
    let quic = quic::tokio::Transport::new(quic_config(key, limits))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed();
    Ok(Gate {
        inner: quic.or_transport(tcp),
        scope,
        races: Races::default(),
    }
    .map(|either, _| either.into_inner())
    .boxed())
}

/// What the swarm itself is bounded by.
pub(crate) fn swarm_config(limits: &Limits) -> swarm::Config {
    swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(limits.idle)
        .with_max_negotiating_inbound_streams(limits.negotiating_per_connection)
        .with_notify_handler_buffer_size(NonZeroUsize::MIN.saturating_add(31))
        .with_per_connection_event_buffer_size(32)
        // All addresses of a node take part in one race.
        .with_dial_concurrency_factor(NonZeroU8::MAX)
}

fn quic_config(key: &Keypair, limits: &Limits) -> quic::Config {
    let mut config = quic::Config::new(key);
    config.handshake_timeout = QUIC_HANDSHAKE.min(limits.handshake);
    config.max_idle_timeout = QUIC_SILENCE;
    config.keep_alive_interval = QUIC_KEEP_ALIVE;
    config.max_concurrent_stream_limit = limits.streams_per_connection;
    config.max_stream_data = limits.stream_window;
    config.max_connection_data = limits.connection_window;
    config
}

/// Refuses to dial what a descriptor of this scope could not name, whoever asks: an answer of the directory can hold any
/// address, and a name would be asked about in the open. What it dials takes part in a race.
struct Gate<T> {
    inner: T,
    scope: Scoping,
    races: Races,
}

impl<T> transport::Transport for Gate<T>
where
    T: transport::Transport + Unpin,
    T::Dial: Send + 'static,
    T::Output: 'static,
    T::Error: 'static,
{
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = BoxFuture<'static, Result<T::Output, T::Error>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<Self::Error>> {
        match address::from_multiaddr(&address) {
            Ok((at, _)) if at.is_within(self.scope.scope()) => {
                let entrant = self.races.enter(&address);
                let dial = self.inner.dial(address, options)?;
                Ok(entrant.run(dial).boxed())
            }
            _ => Err(TransportError::MultiaddrNotSupported(address)),
        }
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

/// Yamux grants each stream 256 KiB at once and at most 1 GiB a connection, so it allows no more streams than this.
const YAMUX_MOST: usize = 4_096;

/// A dead address should not hold up the other ones of a node for long.
const QUIC_HANDSHAKE: Duration = Duration::from_secs(5);

/// Milliseconds of silence after which the other side is taken for dead.
const QUIC_SILENCE: u32 = 10_000;

/// Keeps mappings of routers open and the other side convinced: one may get lost before [`QUIC_SILENCE`].
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(4);
