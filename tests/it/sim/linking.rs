//! Whether mailboxes that put together all that they hear can tell which queues are one person's.
//!
//! What they hear when is another matter: whoever sees the same number of envelopes come at the same moments at two mailboxes
//! needs no script. This is about all the rest: ids, keys, sizes, work, and ways that are used twice.

use outis_crypto::signature::VerifyingKey;
use outis_mailbox::queue::QueueId;
use outis_tests::sim::{Accounts, Heard, SimNet, TestPeer, befriend};
use outis_wire::{Isolation, NodeId, UnixMillis};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// What is known of one queue.
#[derive(Default)]
struct Queue {
    /// The truth: whose it is.
    owner: Option<u32>,
    /// Every eight bytes that were said about it.
    tokens: HashSet<[u8; 8]>,
    /// The ways by which its owner came, and those by which others did.
    ways: BTreeSet<Isolation>,
    sizes: BTreeSet<usize>,
}

/// What a worse build would give away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leak {
    Nothing,
    /// All queues of a person have one id.
    SameId,
    /// A person comes by one way to all of their queues.
    SameWay,
}

/// All queues, as all mailboxes together see them.
fn queues(heard: &[Heard], leak: Leak) -> Vec<Queue> {
    let mut queues: BTreeMap<(NodeId, QueueId), Queue> = BTreeMap::new();
    let mut ids: HashMap<u32, QueueId> = HashMap::new();
    for stream in heard {
        for frame in &stream.frames {
            let Some(said) = Said::read(frame) else { continue };
            let queue = queues.entry((stream.node, said.queue)).or_default();
            let mut way = stream.way;
            if said.by_owner {
                queue.owner = Some(stream.person);
                let first = *ids.entry(stream.person).or_insert(said.queue);
                if leak == Leak::SameId {
                    queue.tokens.extend(tokens(&first.0));
                }
                if leak == Leak::SameWay {
                    way = Isolation([u8::try_from(stream.person).expect("few people"); 32]);
                }
            }
            queue.ways.insert(way);
            queue.sizes.insert(frame.len());
            // The head of each frame, where ids, keys and work stand, and some of what is sealed.
            queue.tokens.extend(tokens(frame.get(6..).unwrap_or_default()));
        }
    }
    queues.into_values().filter(|queue| queue.owner.is_some()).collect()
}

/// What one frame says, as a mailbox reads it.
struct Said {
    queue: QueueId,
    by_owner: bool,
}

impl Said {
    fn read(frame: &[u8]) -> Option<Self> {
        let tag = u16::from_be_bytes(frame.get(4..6)?.try_into().ok()?);
        let name: [u8; 32] = frame.get(6..38)?.try_into().ok()?;
        let owned = || VerifyingKey::from_bytes(name).ok().map(|owner| QueueId::of(&owner));
        match tag {
            CREATE | OPEN => Some(Self {
                queue: owned()?,
                by_owner: true,
            }),
            PUT => Some(Self {
                queue: QueueId(name),
                by_owner: false,
            }),
            ACKNOWLEDGE | DELETE => Some(Self {
                queue: QueueId(name),
                by_owner: true,
            }),
            _ => None,
        }
    }
}

fn tokens(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> + '_ {
    let head = bytes.get(..256.min(bytes.len())).unwrap_or_default();
    head.windows(8).filter_map(|window| window.try_into().ok())
}

/// How much speaks for two queues being one person's.
fn score(one: &Queue, other: &Queue, rare: &HashSet<[u8; 8]>) -> f64 {
    let shares_bytes = one
        .tokens
        .iter()
        .any(|token| rare.contains(token) && other.tokens.contains(token));
    let shares_way = !one.ways.is_disjoint(&other.ways);
    let both = one.sizes.intersection(&other.sizes).count();
    let either = one.sizes.union(&other.sizes).count().max(1);
    let like = f64::from(u32::try_from(both).expect("few sizes")) / f64::from(u32::try_from(either).expect("few"));
    f64::from(u8::from(shares_bytes)) * 4.0 + f64::from(u8::from(shares_way)) * 4.0 + like
}

/// How well this tells pairs of one person's queues from pairs of two people's.
fn auc(queues: &[Queue]) -> (f64, f64) {
    let mut counts: HashMap<[u8; 8], usize> = HashMap::new();
    for queue in queues {
        for token in &queue.tokens {
            *counts.entry(*token).or_default() += 1;
        }
    }
    // What every fourth queue has is of the protocol, not of a person.
    let common = queues.len() / 4;
    let rare: HashSet<[u8; 8]> = counts
        .into_iter()
        .filter(|(_, count)| (2..=common).contains(count))
        .map(|(token, _)| token)
        .collect();
    let pairs = pairs(queues).map(|(one, other)| (one.owner == other.owner, score(one, other, &rare)));
    area(pairs.collect())
}

fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    let others = |at: usize| all.iter().skip(at + 1);
    all.iter()
        .enumerate()
        .flat_map(move |(at, one)| others(at).map(move |other| (one, other)))
}

/// The chance that a pair of one person's scores higher than a pair of two people's, and how high it may be at 95 %.
fn area(scores: Vec<(bool, f64)>) -> (f64, f64) {
    let (same, different): (Vec<_>, Vec<_>) = scores.into_iter().partition(|(is_same, _)| *is_same);
    let [same, mut different] =
        [same, different].map(|scores| scores.into_iter().map(|(_, score)| score).collect::<Vec<_>>());
    different.sort_by(f64::total_cmp);
    let wins: f64 = same
        .iter()
        .map(|score| {
            let below = different.partition_point(|other| other < score);
            let up_to = different.partition_point(|other| other <= score);
            number(below) + number(up_to - below) / 2.0
        })
        .sum();
    let (positive, negative) = (number(same.len()), number(different.len()));
    let auc = wins / (positive * negative);
    // Hanley and McNeil 1982.
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let variance = (auc * (1.0 - auc) + (positive - 1.0) * (q1 - auc * auc) + (negative - 1.0) * (q2 - auc * auc))
        / (positive * negative);
    (auc, auc + 1.645 * variance.max(0.0).sqrt())
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}

#[tokio::test(start_paused = true)]
async fn mailboxes_that_work_together_cannot_tell_whose_a_queue_is() {
    let (people, messages) = if std::env::var_os("OUTIS_SOAK").is_some() {
        (20, 100)
    } else {
        (8, 12)
    };
    let net = SimNet::new(320, 12);
    net.listen_in();
    let mut accounts = Accounts::new(&net, 320);
    let mut everybody: Vec<TestPeer> = NAMES.iter().take(people).map(|name| accounts.create(name)).collect();
    // Each knows the next two.
    for at in 0..people {
        for step in [1, 2] {
            let other = &everybody[(at + step) % people];
            befriend(&everybody[at], other).await;
        }
    }
    for number in 0..messages {
        for at in 0..people {
            let to = &everybody[(at + 1 + number % 2) % people];
            everybody[at].say(to, &format!("{number}"));
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        if number == messages / 2 {
            // A new start, with new ways to the same queues.
            for person in &mut everybody {
                person.stop();
                person.start();
            }
        }
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    for person in &mut everybody {
        person.stop();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;

    let heard = net.heard();
    let honest = queues(&heard, Leak::Nothing);
    assert!(honest.len() >= people * 3 * 5, "{} queues", honest.len());
    let (found, upper) = auc(&honest);
    assert!(found <= 0.55 && upper <= 0.60, "AUC {found:.3}, at most {upper:.3}");
    // The controls: builds that use an id or a way twice are caught.
    for leak in [Leak::SameId, Leak::SameWay] {
        let (found, _) = auc(&queues(&heard, leak));
        assert!(found > 0.9, "AUC {found:.3}");
    }
}

/// When the owner of a queue first came to it.
struct Opening {
    owner: u32,
    node: NodeId,
    at: UnixMillis,
}

/// As mailboxes saw it, from some moment on.
fn openings(heard: &[Heard], since: UnixMillis) -> Vec<Opening> {
    let mut queues: BTreeMap<(NodeId, QueueId), Opening> = BTreeMap::new();
    for stream in heard.iter().filter(|stream| stream.at >= since) {
        for said in stream.frames.iter().filter_map(|frame| Said::read(frame)) {
            if said.by_owner {
                let queue = queues.entry((stream.node, said.queue)).or_insert(Opening {
                    owner: stream.person,
                    node: stream.node,
                    at: stream.at,
                });
                queue.at = queue.at.min(stream.at);
            }
        }
    }
    queues.into_values().collect()
}

/// R21's second figure: everybody signs in at some moment, and mailboxes compare when whoever they keep queues for came.
#[tokio::test(start_paused = true)]
async fn what_the_time_of_signing_in_tells_is_as_published() {
    const PEOPLE: usize = 8;
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let net = SimNet::new(321, 12);
    net.listen_in();
    let mut accounts = Accounts::new(&net, 321);
    let mut everybody: Vec<TestPeer> = NAMES.iter().take(PEOPLE).map(|name| accounts.create(name)).collect();
    for at in 0..PEOPLE {
        for step in [1, 2] {
            befriend(&everybody[at], &everybody[(at + step) % PEOPLE]).await;
        }
    }
    let mut rng = ChaCha20Rng::seed_from_u64(321);
    let mut since = Vec::new();
    // Some in an hour, and as many in half a minute, as in an hour where a thousand do.
    for window in [HOUR, HOUR / 125] {
        everybody.iter_mut().for_each(TestPeer::stop);
        since.push(net.now());
        let mut moments: Vec<(u64, usize)> = (0..PEOPLE)
            .map(|who| (rng.next_u64() % window.as_secs(), who))
            .collect();
        moments.sort_unstable();
        let began = tokio::time::Instant::now();
        for (moment, who) in moments {
            tokio::time::sleep_until(began + Duration::from_secs(moment)).await;
            everybody[who].start();
        }
        tokio::time::sleep(HOUR / 2).await;
    }
    everybody.iter_mut().for_each(TestPeer::stop);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let heard = net.heard();
    let [few, many] = [since[0], since[1]].map(|since| {
        let queues = openings(&heard, since);
        assert!(queues.len() >= PEOPLE * 9, "{} queues", queues.len());
        // A mailbox that keeps two of one's queues is another matter.
        let scores = pairs(&queues)
            .filter(|(one, other)| one.node != other.node)
            .map(|(one, other)| (one.owner == other.owner, -(one.at.0.abs_diff(other.at.0) as f64)));
        area(scores.collect()).0
    });
    let page = include_str!("../../../docs/protocol/mailbox.md")
        .replace("\r\n", "\n")
        .replace("\n  ", " ");
    let words = format!("AUC {few:.1} where eight people sign in in an hour, {many:.1} where a thousand do");
    assert!(page.contains(&words), "not in mailbox.md: {words}");
    assert!(few > many, "control: it does tell something");
}

const NAMES: [&str; 20] = [
    "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo", "Kit", "Lea", "Max", "Nell", "Otto", "Pia",
    "Quin", "Rosa", "Sam", "Tess",
];

const CREATE: u16 = 0x0102;
const OPEN: u16 = 0x0103;
const PUT: u16 = 0x0104;
const ACKNOWLEDGE: u16 = 0x0105;
const DELETE: u16 = 0x0106;
