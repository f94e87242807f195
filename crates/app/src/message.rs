//! `message.*`

use crate::{
    App, Error, ErrorCode,
    contact::parse_address,
    dto::*,
    file::shown_voice,
    unlocked::{Unlocked as Open, now},
};
use outis_messenger::{self as messenger, At, MessageId, Page, Scope, StoreError};

impl App {
    /// Sends a text: durably, online or not.
    pub async fn message_send(&self, params: SendMessage) -> Result<Sent, Error> {
        let SendMessage {
            contact,
            text,
            reply_to,
        } = params;
        let contact = parse_address(&contact)?;
        let reply_to = reply_to.map(|id| parse_id(&id)).transpose()?;
        let id = self.unlocked()?.messenger.send_text(&contact, text, reply_to)?;
        Ok(Sent { id: id.to_string() })
    }

    /// A page of a conversation.
    pub async fn message_list(&self, params: ListMessages) -> Result<MessagePage, Error> {
        let ListMessages {
            contact,
            before,
            after,
            around,
            limit,
        } = params;
        let contact = parse_address(&contact)?;
        let id = |id: String| match parse_id(&id) {
            Ok(id) if id.contact == contact => Ok(id),
            _ => Err(not_found()),
        };
        let at = match (before, after, around) {
            (None, None, None) => At::End,
            (Some(before), None, None) => At::Before(id(before)?),
            (None, Some(after), None) => At::After(id(after)?),
            (None, None, Some(around)) => At::Around(id(around)?),
            _ => {
                let text = "before, after or around, not two of them";
                return Err(Error::new(ErrorCode::InvalidParams, text));
            }
        };
        let limit = match limit.unwrap_or(50) {
            limit @ 1..=500 => usize::try_from(limit).unwrap_or(500),
            _ => return Err(Error::new(ErrorCode::InvalidParams, "limit is 1 to 500")),
        };
        let open = self.unlocked()?;
        if contact != open.address {
            open.messenger.contact(&contact)?;
        }
        let page = open.messenger.page(&contact, at, limit)?;
        let middle = match at {
            At::End | At::Before(_) => page.messages.len(),
            At::After(_) => 0,
            At::Around(around) => page.messages.partition_point(|message| message.id < around),
        };
        Ok(open.fitting(page, middle))
    }

    /// Everything up to this message has been looked at.
    pub async fn message_mark_read(&self, params: MarkRead) -> Result<Nothing, Error> {
        let MarkRead { contact, up_to } = params;
        let (contact, up_to) = (parse_address(&contact)?, parse_id(&up_to)?);
        if up_to.contact != contact {
            return Err(not_found());
        }
        self.unlocked()?.messenger.mark_read(&up_to)?;
        Ok(Nothing {})
    }

    /// Deletes a message.
    pub async fn message_delete(&self, params: DeleteMessage) -> Result<Nothing, Error> {
        let DeleteMessage { id, for_everyone } = params;
        let scope = if for_everyone { Scope::Everyone } else { Scope::Here };
        self.unlocked()?.messenger.delete_message(&parse_id(&id)?, scope)?;
        Ok(Nothing {})
    }

    /// Gives one of one's own texts another wording.
    pub async fn message_edit(&self, params: EditMessage) -> Result<Message, Error> {
        let EditMessage { id, text } = params;
        let open = self.unlocked()?;
        let message = open.messenger.edit_message(&parse_id(&id)?, text)?;
        Ok(open.shown(message))
    }

    /// Puts an emoji on a message.
    pub async fn message_react(&self, params: ReactToMessage) -> Result<Message, Error> {
        let ReactToMessage { id, emoji } = params;
        let open = self.unlocked()?;
        let message = open.messenger.react_to_message(&parse_id(&id)?, &emoji)?;
        Ok(open.shown(message))
    }

    /// Why a message is where it is.
    pub async fn message_explain(&self, params: MessageRef) -> Result<Vec<StepRecord>, Error> {
        let id = parse_id(&params.id)?;
        let open = self.unlocked()?;
        let steps = open.messenger.explain(&id)?.ok_or_else(not_found)?;
        let waits = steps.last().is_some_and(|last| on_its_way(&last.step));
        let record = |step: messenger::FlightStep| StepRecord {
            at: step.at.0,
            detail: in_words(&step.step),
            step: step.step.to_string(),
        };
        let mut shown: Vec<StepRecord> = steps.into_iter().map(record).collect();
        if waits && !open.network.knows_enough() {
            shown.push(StepRecord {
                at: now().0,
                step: "too_few_relays".to_owned(),
                detail: "It waits here: fewer than six relays are known, and nothing is sent over fewer.".to_owned(),
            });
        }
        Ok(shown)
    }
}

impl Open {
    pub(crate) fn shown_message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.messenger.message(id)?.map(|message| self.shown(message)))
    }

    /// A message as a list of conversations shows it.
    pub(crate) fn preview(&self, mut message: messenger::Message) -> Message {
        if let messenger::Body::Text(text) = &mut message.body
            && let Some((end, _)) = text.char_indices().nth(PREVIEW)
        {
            text.truncate(end);
        }
        self.shown(message)
    }

    /// As many messages of a page as fit into a reply, from the middle on to both sides.
    pub(crate) fn fitting(&self, page: Page, middle: usize) -> MessagePage {
        let Page {
            mut messages,
            older,
            newer,
        } = page;
        let mut room = PAGE_BYTES;
        let mut fits = |message: &messenger::Message| {
            let size = match &message.body {
                messenger::Body::Text(text) => text.len().saturating_mul(ESCAPED),
                _ => 0,
            };
            let rest = room.checked_sub(size + FRAME);
            room = rest.unwrap_or_default();
            rest.is_some()
        };
        let mut below = messages.split_off(middle.min(messages.len())).into_iter().peekable();
        let mut above = messages.into_iter().rev().peekable();
        let (mut shown, mut before) = (Vec::new(), Vec::new());
        loop {
            let next = below.next_if(&mut fits);
            let last = above.next_if(&mut fits);
            if next.is_none() && last.is_none() {
                break;
            }
            shown.extend(next.map(|message| self.shown(message)));
            before.extend(last.map(|message| self.shown(message)));
        }
        before.reverse();
        before.append(&mut shown);
        MessagePage {
            messages: before,
            more: older || above.peek().is_some(),
            newer: newer || below.peek().is_some(),
        }
    }

    fn shown(&self, message: messenger::Message) -> Message {
        let messenger::Message {
            id,
            direction,
            body,
            sent_at,
            received_at,
            state,
            reply_to,
            edited_at,
            reactions,
            disappear_after,
            disappears_at,
        } = message;
        Message {
            id: id.to_string(),
            contact: id.contact.to_string(),
            direction: shown_direction(direction),
            body: self.shown_body(body),
            sent_at: sent_at.0,
            received_at: received_at.map(|at| at.0),
            state: match state {
                messenger::Delivery::Queued => MessageState::Queued,
                messenger::Delivery::Stored(_) => MessageState::Stored,
                messenger::Delivery::Delivered => MessageState::Delivered,
                messenger::Delivery::Read => MessageState::Read,
                messenger::Delivery::Failed(_) => MessageState::Failed,
            },
            reply_to: reply_to.map(|id| id.to_string()),
            edited_at: edited_at.map(|at| at.0),
            reactions: reactions
                .into_iter()
                .map(|(direction, emoji)| Reaction {
                    emoji,
                    direction: shown_direction(direction),
                })
                .collect(),
            disappear_after,
            disappears_at: disappears_at.map(|at| at.0),
        }
    }

    fn shown_body(&self, body: messenger::Body) -> MessageBody {
        match body {
            messenger::Body::Text(text) => MessageBody::Text { text },
            messenger::Body::Gap(count) => MessageBody::Gap { count },
            messenger::Body::Note(note) => MessageBody::Note {
                note: match note {
                    messenger::Note::NewDevice => "new_device",
                    messenger::Note::NewSession => "new_session",
                    messenger::Note::ChainBroken => "chain_broken",
                    messenger::Note::Disappearing(_) => "disappearing",
                }
                .to_owned(),
                seconds: match note {
                    messenger::Note::Disappearing(seconds) => seconds,
                    _ => None,
                },
            },
            messenger::Body::Deleted => MessageBody::Deleted,
            messenger::Body::File(id) => match self.messenger.transfer(&id) {
                Some(transfer) => MessageBody::File {
                    transfer: id.to_string(),
                    name: transfer.name,
                    size: transfer.size,
                    voice: transfer.voice.as_ref().map(shown_voice),
                },
                None => MessageBody::Deleted,
            },
            messenger::Body::Unsupported(_) => MessageBody::Unsupported,
        }
    }
}

fn shown_direction(direction: messenger::Direction) -> Direction {
    match direction {
        messenger::Direction::Out => Direction::Out,
        messenger::Direction::In => Direction::In,
    }
}

fn parse_id(text: &str) -> Result<MessageId, Error> {
    text.parse().map_err(|_| not_found())
}

fn not_found() -> Error {
    Error::new(ErrorCode::NotFound, "there is no such message")
}

/// Whether it is ours and has not arrived.
fn on_its_way(step: &messenger::Step) -> bool {
    use messenger::Step;
    !matches!(step, Step::Delivered | Step::Read | Step::Received | Step::Failed(_))
}

fn in_words(step: &messenger::Step) -> String {
    match step {
        messenger::Step::Queued => "Safe on this computer.".to_owned(),
        messenger::Step::Encrypted => "Encrypted for their device.".to_owned(),
        messenger::Step::Stored(node) => format!("Stored by the mailbox {node}."),
        messenger::Step::NotStored(node) => format!("The mailbox {node} could not be reached or did not take it."),
        messenger::Step::LookedUp => "No receipt yet: looked up where they receive now.".to_owned(),
        messenger::Step::Repeated => "Sent again to the same mailboxes.".to_owned(),
        messenger::Step::Renewed => "A new session began: it is encrypted anew.".to_owned(),
        messenger::Step::Delivered => "Their device has it.".to_owned(),
        messenger::Step::Read => "They have seen it.".to_owned(),
        messenger::Step::Received => "It came.".to_owned(),
        messenger::Step::Failed(messenger::Failure::NoLongerAContact) => "They are no longer a contact.".to_owned(),
        messenger::Step::Failed(messenger::Failure::TooLarge) => "It is too large.".to_owned(),
        messenger::Step::Failed(messenger::Failure::LeftBehind) => {
            "It had not arrived when the account was carried here: send it again if it is missing.".to_owned()
        }
    }
}

/// A reply stays under 4 MiB, of which this much is text.
const PAGE_BYTES: usize = 3 << 20;

/// Characters of a text in a list of conversations.
pub(crate) const PREVIEW: usize = 200;

/// What a byte of text can become in JSON (`\u0000`).
const ESCAPED: usize = 6;

/// About what stands around a text.
const FRAME: usize = 600;
