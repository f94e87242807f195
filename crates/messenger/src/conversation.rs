//! Lines of a conversation: where what comes and what is said goes.
//!
//! Lines are ordered by position. Our own words go to the end; what comes goes to the end too, unless it fills a gap. A gap
//! keeps as many positions as it has numbers, so that whatever fills it finds its place between its neighbours.

use crate::amended::Amendment;
use crate::amending::is_message;
use crate::chain::{Agreement, Arrived, Place, salted_hash};
use crate::contact::ContactRecord;
use crate::content::Content;
use crate::disappearing::Expiry;
use crate::message::{Body, Delivery, Direction, Flight, Note, Step};
use crate::parcel::Numbered;
use crate::search;
use crate::store::{Changes, LineRecord, StatusRecord, Store, StoreError, table};
use outis_identity::Address;
use outis_wire::UnixMillis;

/// What became of a numbered content that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was here before, or is too far from anything that was.
    Nothing,
    /// It is new; these lines are new or changed, and the first of them is its own if it shows as one.
    New {
        line: Option<u64>,
        changed: Vec<u64>,
        /// The line goes by itself after so many seconds.
        disappear_after: Option<u32>,
    },
}

/// Puts a numbered content into its place.
pub(crate) fn take(
    store: &Store,
    changes: &mut Changes,
    contact: &Address,
    record: &mut ContactRecord,
    slot: u64,
    numbered: &Numbered,
    now: UnixMillis,
) -> Result<Taken, StoreError> {
    let owner = contact.as_bytes();
    let number = numbered.number;
    match record.stream {
        Some((stream, _)) if stream == numbered.stream => {}
        // What is left of a numbering that was given up.
        Some((_, since)) if slot < since => return Ok(Taken::Nothing),
        _ => {
            record.stream = Some((numbered.stream, slot));
            record.arrived = Arrived::starting_at(numbered.from.min(number));
            changes.erase_all(table::INCOMING, owner);
            changes.erase_all(table::AMENDMENTS, owner);
            record.awaited.clear();
            record.read_number = 0;
        }
    }
    let place = record.arrived.place(number);
    if matches!(place, Place::Seen | Place::Refused) {
        return Ok(Taken::Nothing);
    }
    let amendment = Amendment::of(store, changes, contact, record, number)?;
    let shown = numbered.content.is_shown() && !amendment.is_deleted() && record.takes_timer(numbered);
    let mut changed = Vec::new();
    let position = match place {
        Place::Seen | Place::Refused => None,
        Place::Next => shown.then(|| record.take_positions(1)),
        Place::After(gap) => {
            let missing = gap.end() - gap.start() + 1;
            let at = record.take_positions(missing);
            put_gap(changes, contact, at, *gap.start(), missing, now);
            changed.push(at);
            shown.then(|| record.take_positions(1))
        }
        Place::Fills(gap) => {
            let (from, to) = (*gap.start(), *gap.end());
            let at: u64 = store.get(table::INCOMING, owner, from)?.unwrap_or(record.next_position);
            let position = at.saturating_add(number - from);
            changed.push(at);
            if from == number {
                changes.erase(table::LINES, owner, at);
                changes.erase(table::STATUS, owner, at);
                changes.erase(table::INCOMING, owner, from);
            } else {
                put_gap(changes, contact, at, from, number - from, now);
            }
            if number < to {
                put_gap(changes, contact, position + 1, number + 1, to - number, now);
                changed.push(position + 1);
            }
            if shown {
                search::came_late(changes, contact, position);
            }
            shown.then_some(position)
        }
    };
    let goes = |after: &u32| *after > 0 && position.is_some() && numbered.content.disappears();
    let disappear_after = numbered.disappear_after.filter(goes);
    let salted = salted_hash(numbered.salt, &numbered.content);
    let agreement = record.arrived.take(number, slot, numbered.previous, salted);
    if let Some(position) = position {
        let mut flight = Flight::default();
        flight.log(now, Step::Received);
        let mut line = LineRecord {
            direction: Direction::In,
            number,
            sent_at: numbered.sent_at,
            received_at: Some(now),
            body: body_of(&numbered.content),
            reply_to: reply_of(&numbered.content),
            edited: None,
            reactions: Vec::new(),
        };
        amendment.apply(&mut line);
        changes.put_line(
            contact,
            position,
            &line,
            &StatusRecord {
                state: Delivery::Delivered,
                flight,
            },
        );
        changes.put(table::INCOMING, owner, number, &position);
        if is_message(&line.body) {
            record.unread = record.unread.saturating_add(1);
            record.last_message_at = Some(now);
            record.settings.archived &= record.settings.muted;
        }
        if let Some(after) = disappear_after {
            changes.put(table::EXPIRING, owner, position, &Expiry::new(after));
        }
        changed.retain(|at| *at != position);
    }
    if agreement == Agreement::Broken {
        changed.push(put_note(changes, contact, record, Note::ChainBroken, now));
    }
    Ok(Taken::New {
        line: position,
        changed,
        disappear_after,
    })
}

/// Adds a note at the end.
pub(crate) fn put_note(
    changes: &mut Changes,
    contact: &Address,
    record: &mut ContactRecord,
    note: Note,
    now: UnixMillis,
) -> u64 {
    let position = record.take_positions(1);
    changes.put_line(
        contact,
        position,
        &line_of_ours(Body::Note(note), now),
        &status(Delivery::Delivered),
    );
    position
}

/// What a content shows.
pub(crate) fn body_of(content: &Content) -> Body {
    match content {
        Content::Text(text) => Body::Text(text.text.clone()),
        Content::FileOffer(offer) => match crate::files::transfer_of(offer) {
            Some(transfer) => Body::File(transfer),
            None => Body::Unsupported(content.clone().into()),
        },
        Content::Timer(timer) => Body::Note(Note::Disappearing(timer.after)),
        Content::Edit(_)
        | Content::Reaction(_)
        | Content::Delete(_)
        | Content::Tombstone(_)
        | Content::FileSignal(_) => Body::Deleted,
        Content::Unsupported(tagged) => Body::Unsupported(tagged.clone()),
    }
}

fn reply_of(content: &Content) -> Option<crate::content::Reference> {
    match content {
        Content::Text(text) => text.reply_to,
        _ => None,
    }
}

fn put_gap(changes: &mut Changes, contact: &Address, position: u64, from: u64, missing: u64, now: UnixMillis) {
    let line = LineRecord {
        direction: Direction::In,
        number: from,
        sent_at: now,
        received_at: Some(now),
        body: Body::Gap(missing),
        reply_to: None,
        edited: None,
        reactions: Vec::new(),
    };
    changes.put_line(contact, position, &line, &status(Delivery::Delivered));
    changes.put(table::INCOMING, contact.as_bytes(), from, &position);
}

fn line_of_ours(body: Body, now: UnixMillis) -> LineRecord {
    LineRecord {
        direction: Direction::In,
        number: 0,
        sent_at: now,
        received_at: Some(now),
        body,
        reply_to: None,
        edited: None,
        reactions: Vec::new(),
    }
}

fn status(state: Delivery) -> StatusRecord {
    StatusRecord {
        state,
        flight: Flight::default(),
    }
}
