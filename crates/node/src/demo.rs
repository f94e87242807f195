//! `outis demo`: the whole story on one machine, with the same code that everybody runs.
//!
//! A small network on loopback and two people in one process: they meet by address, chat both ways (once while one of them
//! is away) and share a file. Each step is printed as it happens; what the last line says was checked.

mod person;
mod show;

use crate::{arguments::Demo, stop::Stop};
use outis_app::{Error, Sandbox, dto::*};
use person::Person;
use show::Show;
use std::{
    io::{self, Write},
    path::Path,
};

/// Runs the story; it can be stopped at any time.
pub(crate) async fn run(arguments: Demo) -> Result<(), Error> {
    let mut stop = Stop::listen().map_err(Error::internal)?;
    let sandbox = Sandbox::start(arguments.relays.into()).await?;
    let told = tokio::select! {
        told = tell(&sandbox, arguments.size) => told,
        () = stop.asked() => Err(Error::internal("stopped")),
    };
    sandbox.stop().await;
    told
}

async fn tell(sandbox: &Sandbox, size: u64) -> Result<(), Error> {
    let mut show = Show::new();
    show.step(&format!(
        "{} relays run on this machine, on a network of their own.",
        sandbox.relays()
    ));

    let ada = Person::new(sandbox, "Ada").await?;
    let bob = Person::new(sandbox, "Bob").await?;
    show.step("Ada and Bob each chose a nickname and a passphrase. These are their addresses:");
    show.detail(&format!("Ada  {}", ada.address()));
    show.detail(&format!("Bob  {}", bob.address()));

    meet(&mut show, &ada, &bob).await?;
    chat(&mut show, &ada, &bob).await?;
    write_to_somebody_away(&mut show, &ada, &bob).await?;
    let hash = share_a_file(&mut show, &ada, &bob, sandbox.folder(), size).await?;

    let (of_ada, of_bob) = (ada.conversation(&bob).await?, bob.conversation(&ada).await?);
    if of_ada != EXPECTED || of_bob != EXPECTED {
        return Err(Error::internal(format!(
            "the conversations differ: {of_ada:?} and {of_bob:?}"
        )));
    }
    ada.leave().await;
    bob.leave().await;
    show.verified(&format!(
        "Verified: {} messages on both sides, each once and in order, {} of them sent while Bob was away; a file of {} \
         with the same BLAKE3 hash at both ends ({}…).",
        EXPECTED.len(),
        WHILE_AWAY.len(),
        show::bytes(size),
        hash.get(..16).unwrap_or(&hash),
    ));
    Ok(())
}

async fn meet(show: &mut Show, ada: &Person, bob: &Person) -> Result<(), Error> {
    ada.ask(bob, "It is me, from the library.").await?;
    show.step("Ada pasted Bob's address. Her request waits in the queue that his descriptor names.");
    let greeting = bob.await_request(ada).await?;
    show.step(&format!("Bob's window shows it: Ada, “{greeting}” He accepts."));
    bob.accept(ada).await?;
    ada.await_contact(bob, ContactState::Accepted).await?;
    show.step("Each has drawn three mailboxes for the other:");
    for (who, other) in [(ada, "Ada"), (bob, "Bob")] {
        for mailbox in who.mailboxes().await? {
            show.detail(&format!("{other}  {mailbox}"));
        }
    }
    Ok(())
}

async fn chat(show: &mut Show, ada: &Person, bob: &Person) -> Result<(), Error> {
    for (from, to, text) in [
        (ada, bob, TOGETHER[0]),
        (bob, ada, TOGETHER[1]),
        (ada, bob, TOGETHER[2]),
    ] {
        let sent = from.send(to, text).await?;
        let took = from.await_state(&sent, MessageState::Delivered).await?;
        show.step(&format!(
            "{}: “{text}”  delivered in {} ms",
            from.name(),
            took.as_millis()
        ));
        show.detail(&from.route(to));
    }
    Ok(())
}

async fn write_to_somebody_away(show: &mut Show, ada: &Person, bob: &Person) -> Result<(), Error> {
    bob.go_away().await?;
    show.step("Bob locks his account and leaves the network.");
    let mut sent = Vec::new();
    for text in WHILE_AWAY {
        let id = ada.send(bob, text).await?;
        ada.await_state(&id, MessageState::Stored).await?;
        show.step(&format!("Ada: “{text}”  stored in Bob's mailboxes"));
        sent.push(id);
    }
    bob.come_back().await?;
    show.step("Bob is back and opens his container with nickname and passphrase.");
    for id in &sent {
        ada.await_state(id, MessageState::Delivered).await?;
    }
    show.step("All of it has reached him, in order; Ada sees it delivered.");
    let sent = bob.send(ada, BACK).await?;
    bob.await_state(&sent, MessageState::Delivered).await?;
    show.step(&format!("Bob: “{BACK}”  delivered"));
    Ok(())
}

async fn share_a_file(show: &mut Show, ada: &Person, bob: &Person, folder: &Path, size: u64) -> Result<String, Error> {
    let (original, copy) = (folder.join("survey.bin"), folder.join("copy-of-survey.bin"));
    write_sample(&original, size).map_err(Error::internal)?;
    let offered = ada.offer(bob, &original).await?;
    show.step(&format!("Ada offers a file of {}; Bob accepts it.", show::bytes(size)));
    let taken = bob.await_offer(ada, &offered).await?;
    bob.take(&taken).await?;
    let done = bob
        .await_file(&taken, |transfer| show.progress(transfer.done, transfer.size))
        .await?;
    show.progress_ends();
    show.step("It rests sealed in Bob's container. He saves a copy.");
    bob.save(&taken, &copy).await?;
    ada.await_file(&offered.id, |_| {}).await?;
    let same = same_content(&original, &copy).map_err(Error::internal)?;
    let hash = done.blake3.unwrap_or_default();
    if !same || Some(&hash) != offered.blake3.as_ref() {
        return Err(Error::internal("the file that arrived is not the file that was sent"));
    }
    show.step("The file is whole: every chunk was checked as it came, and both copies are the same byte for byte.");
    Ok(hash)
}

/// Bytes that no compression and no hole makes smaller.
fn write_sample(path: &Path, size: u64) -> io::Result<()> {
    let mut file = io::BufWriter::new(std::fs::File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = size;
    while left > 0 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bytes = (word ^ (word >> 31)).to_le_bytes();
        let part = usize::try_from(left.min(8)).unwrap_or(8);
        file.write_all(bytes.get(..part).unwrap_or(&bytes))?;
        left -= part as u64;
    }
    file.flush()
}

fn same_content(one: &Path, other: &Path) -> io::Result<bool> {
    use io::Read;
    let (mut one, mut other) = (
        io::BufReader::new(std::fs::File::open(one)?),
        io::BufReader::new(std::fs::File::open(other)?),
    );
    let (mut a, mut b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = one.read(&mut a)?;
        let Some(b) = b.get_mut(..read) else { return Ok(false) };
        if read == 0 {
            return Ok(other.read(&mut [0])? == 0);
        }
        match other.read_exact(b) {
            Ok(()) if a.get(..read) == Some(b) => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

const TOGETHER: [&str; 3] = [
    "We found a cove on the north side.",
    "Who saw you come ashore?",
    "Nobody.",
];
const WHILE_AWAY: [&str; 3] = ["The ship leaves at dawn.", "Bring the map.", "And tell nobody."];
const BACK: &str = "I will be there before the light.";
const EXPECTED: [&str; 7] = [
    TOGETHER[0],
    TOGETHER[1],
    TOGETHER[2],
    WHILE_AWAY[0],
    WHILE_AWAY[1],
    WHILE_AWAY[2],
    BACK,
];
