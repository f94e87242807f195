//! `message.search`.

use crate::{App, Error, ErrorCode, contact::parse_address, dto::*};
use outis_messenger::Page;

impl App {
    /// Messages with these words, newest first.
    pub async fn message_search(&self, params: SearchMessages) -> Result<MessagePage, Error> {
        let SearchMessages { query, contact, limit } = params;
        let query = query.dangerously_expose();
        if query.len() > QUERY_BYTES {
            return Err(Error::new(ErrorCode::TooLarge, "nobody looks for that much at once"));
        }
        let contact = contact.map(|contact| parse_address(&contact)).transpose()?;
        let limit = match limit.unwrap_or(50) {
            limit @ 1..=500 => usize::try_from(limit).unwrap_or(500),
            _ => return Err(Error::new(ErrorCode::InvalidParams, "limit is 1 to 500")),
        };
        let open = self.unlocked()?;
        if let Some(contact) = contact.filter(|contact| *contact != open.address) {
            open.messenger.contact(&contact)?;
        }
        let (mut found, more) = open.messenger.search(query, contact.as_ref(), limit)?;
        found.reverse();
        let middle = found.len();
        let page = Page {
            messages: found,
            older: more,
            newer: false,
        };
        let mut page = open.fitting(page, middle);
        page.messages.reverse();
        Ok(page)
    }
}

/// The longest query.
const QUERY_BYTES: usize = 1_024;
