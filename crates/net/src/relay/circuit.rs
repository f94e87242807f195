//! One circuit, as the relay in it sees it: a neighbour that it came from, and what lies behind.
//!
//! A relay takes off a layer or puts one on, passes the cell on, and knows nothing else of it. It always reads, from both
//! sides, and what it cannot write at once waits in a queue of at most a window; the ends of a circuit see to it that no
//! more is on its way, so a longer queue is somebody's breach and ends the circuit. Hence a circuit that stands still holds
//! up no other one on the same connection.

mod extend;

use super::{circuits::Place, directory::Asker, services::Services, throttle::Throttle};
use crate::{
    circuit::{Flow, Link, Say, flow},
    streams::Stream,
};
use extend::Extended;
pub(super) use extend::Extender;
use futures::future::BoxFuture;
use outis_onion::{BadCommand, Cell, Command, Forward, Refusal, RelayLayers, credit::QUEUE};
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time::{self, Sleep};

/// A circuit that was created and goes on for as long as both its neighbours want.
pub(super) struct Circuit {
    pub(super) place: Place,
    /// As whom the services know whoever is at the other end.
    pub(super) asker: Asker,
    pub(super) extender: Extender,
    pub(super) services: Services,
    pub(super) back: Link<Stream>,
    pub(super) layers: RelayLayers,
    pub(super) ahead: Ahead,
    /// What all circuits together may pass on.
    pub(super) throttle: Arc<Throttle>,
    /// Until what was passed on has had its time.
    pub(super) rest: Option<Pin<Box<Sleep>>>,
}

/// What lies behind this relay.
pub(super) enum Ahead {
    /// Nothing yet.
    Nothing,
    /// Another relay, which is being asked.
    Asking(BoxFuture<'static, Result<Extended, Refusal>>),
    /// Another relay.
    Relay(Box<Link<Stream>>),
    /// A service of ours.
    Service(Flow),
    /// A service of ours that is done; there may be another stream to one.
    Served,
}

/// Why a circuit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The neighbour that it came from has closed it.
    Back,
    /// The one ahead has.
    Ahead,
    /// Somebody has broken the rules, a connection was lost, or there is no room for it any more.
    Broken,
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

impl From<BadCommand> for Over {
    fn from(_: BadCommand) -> Self {
        Self::Broken
    }
}

impl From<flow::Violation> for Over {
    fn from(_: flow::Violation) -> Self {
        Self::Broken
    }
}

impl Circuit {
    /// Runs until either neighbour ends it. Dropping it ends it at once, in both directions.
    pub(super) async fn run(mut self) {
        let over = poll_fn(|cx| self.poll(cx)).await;
        // What one side has said before it left, the other still hears.
        let last = match (over, self.ahead) {
            (Over::Back, Ahead::Relay(ahead)) => *ahead,
            (Over::Ahead, _) => self.back,
            _ => return,
        };
        let _ = time::timeout(GOODBYE, last.close()).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(over) => Poll::Ready(over),
        }
    }

    /// Moves whatever can be moved, but not for so long that other circuits wait.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        if self.place.poll_condemned(cx).is_ready() {
            return Err(Over::Broken);
        }
        let mut turns = 0;
        while turns < AT_ONCE && self.step(cx)? {
            turns += 1;
        }
        self.place.circuits().passed(turns);
        if turns == AT_ONCE {
            cx.waker().wake_by_ref();
        }
        if self.may_send(turns, cx) {
            let _ = self.back.poll_send(cx);
            if let Ahead::Relay(ahead) = &mut self.ahead {
                let _ = ahead.poll_send(cx);
            }
        }
        let (bytes, oldest) = self.held();
        self.place.hold(bytes, oldest);
        Ok(())
    }

    /// Whether the owner's limit lets us write, so many cells having come.
    fn may_send(&mut self, came: u64, cx: &mut Context<'_>) -> bool {
        if came > 0 && matches!(self.ahead, Ahead::Relay(_)) {
            let cells = usize::try_from(came).unwrap_or(usize::MAX);
            let wait = self
                .throttle
                .wait(cells.saturating_mul(Cell::BYTES), time::Instant::now());
            if !wait.is_zero() {
                self.rest = Some(Box::pin(time::sleep(wait)));
            }
        }
        let rested = self.rest.as_mut().is_none_or(|rest| rest.as_mut().poll(cx).is_ready());
        if rested {
            self.rest = None;
        }
        rested
    }

    /// One cell from each side. Says whether there was any.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let mut moved = false;
        if let Poll::Ready(cell) = self.back.poll_cell(cx)? {
            self.forward(cell.ok_or(Over::Back)?)?;
            moved = true;
        }
        match &mut self.ahead {
            Ahead::Nothing | Ahead::Served => {}
            Ahead::Asking(asking) => {
                if let Poll::Ready(outcome) = asking.as_mut().poll(cx) {
                    self.extended(outcome)?;
                    moved = true;
                }
            }
            Ahead::Relay(ahead) => {
                if let Poll::Ready(cell) = ahead.poll_cell(cx)? {
                    let cell = self.layers.backward(cell.ok_or(Over::Ahead)?);
                    self.answer(cell)?;
                    moved = true;
                }
            }
            Ahead::Service(flow) => {
                // Sealed only when it can go, so that no word of the stream's own is behind more than a few cells.
                if self.back.waiting() >= FEW {
                    let _ = self.back.poll_send(cx);
                }
                if self.back.waiting() < FEW
                    && let Poll::Ready(say) = flow.poll_say(cx)
                {
                    let over = flow.is_over();
                    let cell = self.layers.originate(command(say));
                    self.answer(cell)?;
                    if over {
                        self.ahead = Ahead::Served;
                    }
                    moved = true;
                }
            }
        }
        Ok(moved)
    }

    /// A cell from the side of the one whose circuit it is.
    fn forward(&mut self, cell: Cell) -> Result<(), Over> {
        match self.layers.forward(cell)? {
            Forward::NotMine(cell) => {
                // Recognised by nobody: damaged on its way, or never meant to arrive.
                let Ahead::Relay(ahead) = &mut self.ahead else {
                    return Err(Over::Broken);
                };
                if ahead.waiting() >= QUEUE {
                    return Err(Over::Broken);
                }
                ahead.push(cell);
                Ok(())
            }
            Forward::Mine(command) => self.told(command),
        }
    }

    fn told(&mut self, command: Command) -> Result<(), Over> {
        match (command, &mut self.ahead) {
            (Command::Padding, _) => Ok(()),
            (Command::Extend(extend), Ahead::Nothing) => {
                self.ahead = Ahead::Asking(self.extender.clone().extend(*extend));
                Ok(())
            }
            (Command::Begin(service), Ahead::Nothing | Ahead::Served) => {
                let answer = match self.services.begin(service, self.asker) {
                    Ok(flow) => {
                        self.ahead = Ahead::Service(flow);
                        Command::Connected
                    }
                    Err(refused) => {
                        self.ahead = Ahead::Served;
                        Command::Refused(refused)
                    }
                };
                let cell = self.layers.originate(answer);
                self.answer(cell)
            }
            (Command::Data(bytes), Ahead::Service(flow)) => Ok(flow.hear_data(bytes)?),
            (Command::Credit(cells), Ahead::Service(flow)) => Ok(flow.hear_credit(cells)?),
            (Command::End, Ahead::Service(flow)) => {
                flow.hear_end()?;
                if flow.is_over() {
                    self.ahead = Ahead::Served;
                }
                Ok(())
            }
            // Said while our end was on its way, or to a service that had refused.
            (Command::Data(_) | Command::Credit(_) | Command::End, Ahead::Served) => Ok(()),
            _ => Err(Over::Broken),
        }
    }

    fn extended(&mut self, outcome: Result<Extended, Refusal>) -> Result<(), Over> {
        let answer = match outcome {
            Ok(Extended { link, reply }) => {
                self.ahead = Ahead::Relay(Box::new(link));
                Command::Extended(Box::new(reply))
            }
            Err(why) => {
                self.ahead = Ahead::Nothing;
                Command::Refused(why)
            }
        };
        let cell = self.layers.originate(answer);
        self.answer(cell)
    }

    /// A cell towards the one whose circuit it is.
    fn answer(&mut self, cell: Cell) -> Result<(), Over> {
        if self.back.waiting() >= QUEUE {
            return Err(Over::Broken);
        }
        self.back.push(cell);
        Ok(())
    }

    /// Bytes that wait here, and since when the oldest of them.
    fn held(&self) -> (usize, Option<Instant>) {
        let (ahead, since_ahead) = match &self.ahead {
            Ahead::Relay(link) => (link.waiting() * Cell::BYTES, link.oldest()),
            Ahead::Service(flow) => flow.held(),
            Ahead::Nothing | Ahead::Asking(_) | Ahead::Served => (0, None),
        };
        let bytes = self.back.waiting() * Cell::BYTES + ahead;
        (bytes, [self.back.oldest(), since_ahead].into_iter().flatten().min())
    }
}

fn command(say: Say) -> Command {
    match say {
        Say::Credit(cells) => Command::Credit(cells),
        Say::Data(bytes) => Command::Data(bytes),
        Say::End => Command::End,
    }
}

/// Cells of our own that wait to be written: two frames of Yamux, all but filled.
const FEW: usize = 7;

/// Cells moved before other tasks have their turn: one write of 64 KiB.
const AT_ONCE: u64 = 14;

/// For what is left to be written when a circuit ends.
const GOODBYE: Duration = Duration::from_secs(5);
