//! `contact.*`

use crate::{App, Error, ErrorCode, config::peer_address, dto::*, message::PREVIEW, unlocked::Unlocked as Open};
use outis_identity::{Address, Nickname, SafetyNumber, qr_svg};
use outis_messenger::{self as messenger, Verification};
use outis_net::PeerAddress;
use outis_onion::is_public;
use outis_wire::NetworkName;

impl App {
    /// Asks somebody to be a contact, by address or invite link.
    pub async fn contact_add(&self, params: AddContact) -> Result<Contact, Error> {
        let open = self.unlocked()?;
        let invite = parse_invite(&params.address)?;
        // Hints that lead nowhere are no reason to refuse an address that is right.
        let hints = invite.bootstrap.iter().filter_map(|hint| peer_address(hint).ok());
        hints
            .filter(|peer| self.may_follow(peer))
            .for_each(|peer| open.network.add_peer(peer));
        let suggested = invite.nickname.map(|nickname| nickname.as_typed().to_owned());
        let (address, alias, greeting) = (invite.address, params.alias.or(suggested), params.greeting);
        let contact = match &invite.token {
            Some(token) => open.messenger.add_invited(address, alias, greeting, token)?,
            None => open.messenger.add_contact(address, alias, greeting)?,
        };
        Ok(open.shown_contact(contact))
    }

    /// All contacts: those that are pinned first, then those with whom something was said last.
    pub async fn contact_list(&self, _: Nothing) -> Result<Vec<Contact>, Error> {
        let open = self.unlocked()?;
        let mut contacts = open.messenger.contacts();
        contacts.sort_by(|a, b| {
            let said = |contact: &messenger::Contact| contact.last_message_at.unwrap_or(contact.added_at);
            b.settings
                .pinned
                .cmp(&a.settings.pinned)
                .then_with(|| said(b).cmp(&said(a)))
                .then_with(|| a.address.cmp(&b.address))
        });
        Ok(contacts
            .into_iter()
            .map(|contact| open.shown_contact(contact))
            .collect())
    }

    /// Says yes to somebody who asked.
    pub async fn contact_accept(&self, params: ContactAddress) -> Result<Contact, Error> {
        self.change_contact(&params.address, |messenger, contact| messenger.accept_contact(contact))
    }

    /// Says no, in silence.
    pub async fn contact_decline(&self, params: ContactAddress) -> Result<Contact, Error> {
        self.change_contact(&params.address, |messenger, contact| messenger.decline_contact(contact))
    }

    /// Ignores whatever comes from now on.
    pub async fn contact_block(&self, params: ContactAddress) -> Result<Contact, Error> {
        self.change_contact(&params.address, |messenger, contact| messenger.block_contact(contact))
    }

    /// Takes a block back.
    pub async fn contact_unblock(&self, params: ContactAddress) -> Result<Contact, Error> {
        self.change_contact(&params.address, |messenger, contact| messenger.unblock_contact(contact))
    }

    /// Forgets a contact and the conversation.
    pub async fn contact_remove(&self, params: ContactAddress) -> Result<Nothing, Error> {
        let contact = parse_address(&params.address)?;
        self.unlocked()?.messenger.remove_contact(&contact)?;
        Ok(Nothing {})
    }

    /// Calls a contact something.
    pub async fn contact_rename(&self, params: RenameContact) -> Result<Contact, Error> {
        let RenameContact { address, alias } = params;
        let alias = Some(alias.trim().to_owned()).filter(|alias| !alias.is_empty());
        self.change_contact(&address, |messenger, contact| messenger.rename_contact(contact, alias))
    }

    /// Says whether safety numbers were compared; confirms a new device too.
    pub async fn contact_verify(&self, params: VerifyContact) -> Result<Contact, Error> {
        let VerifyContact { address, verified } = params;
        let verified = if verified {
            Verification::Compared
        } else {
            Verification::NotCompared
        };
        self.change_contact(&address, |messenger, contact| {
            messenger.verify_contact(contact, verified)
        })
    }

    /// A link and a QR code that lead to us.
    pub async fn contact_invite(&self, params: MakeInvite) -> Result<Invite, Error> {
        let open = self.unlocked()?;
        let (once, token) = if params.once {
            let (once, token) = open.messenger.make_invite()?;
            (Some(shown_invite(once)), Some(token))
        } else {
            (None, None)
        };
        let mut invite = outis_identity::Invite::new(open.address);
        invite.nickname = Nickname::parse(&open.profile.nickname).ok();
        invite.bootstrap = open
            .network
            .addresses(INVITE_HINTS)
            .iter()
            .map(ToString::to_string)
            .collect();
        invite.token = token;
        let link = invite.to_string();
        let qr_svg = qr_svg(&link).map_err(Error::internal)?;
        Ok(Invite { link, qr_svg, once })
    }

    /// The invites for one that nobody has used yet.
    pub async fn contact_invites(&self, _: Nothing) -> Result<Vec<OpenInvite>, Error> {
        let open = self.unlocked()?.messenger.open_invites();
        Ok(open.into_iter().map(shown_invite).collect())
    }

    /// Takes an invite for one back.
    pub async fn contact_revoke_invite(&self, params: InviteRef) -> Result<Nothing, Error> {
        self.unlocked()?.messenger.revoke_invite(params.id)?;
        Ok(Nothing {})
    }

    /// Whether a stranger's link may lead us there: on the public network never into our own house.
    fn may_follow(&self, hint: &PeerAddress) -> bool {
        self.inner.config.network != NetworkName::default() || is_public(hint.at.socket.ip())
    }

    fn change_contact(
        &self,
        address: &str,
        change: impl FnOnce(&messenger::Messenger, &Address) -> Result<messenger::Contact, messenger::ContactError>,
    ) -> Result<Contact, Error> {
        let contact = parse_address(address)?;
        let open = self.unlocked()?;
        let changed = change(&open.messenger, &contact)?;
        Ok(open.shown_contact(changed))
    }
}

impl Open {
    /// A draft that cannot be read now is not worth failing for.
    fn draft_preview(&self, contact: &Address) -> Option<String> {
        let draft = self.messenger.draft(contact).ok().flatten()?;
        Some(draft.chars().take(PREVIEW).collect())
    }

    pub(crate) fn shown_contact(&self, contact: messenger::Contact) -> Contact {
        let messenger::Contact {
            address,
            nickname,
            alias,
            state,
            greeting,
            verified,
            device_changed,
            says_known,
            unread,
            last_message_at,
            added_at,
            last_message,
            settings,
        } = contact;
        Contact {
            safety_number: SafetyNumber::between(&self.address, &address).to_string(),
            address: address.to_string(),
            nickname,
            alias,
            state: match state {
                messenger::ContactState::Requested => ContactState::Requested,
                messenger::ContactState::Incoming => ContactState::Incoming,
                messenger::ContactState::Accepted => ContactState::Accepted,
                messenger::ContactState::Declined => ContactState::Declined,
                messenger::ContactState::Blocked => ContactState::Blocked,
            },
            verified,
            device_changed,
            unread,
            last_message_at: last_message_at.map(|at| at.0),
            greeting,
            returning: says_known,
            added_at: added_at.0,
            last_message: last_message.map(|message| self.preview(message)),
            draft: self.draft_preview(&address),
            conversation: settings.into(),
        }
    }
}

/// An address, as a person pasted it.
pub(crate) fn parse_address(text: &str) -> Result<Address, Error> {
    text.trim()
        .parse()
        .map_err(|error| Error::new(ErrorCode::InvalidAddress, error))
}

fn shown_invite(invite: messenger::OpenInvite) -> OpenInvite {
    let messenger::OpenInvite {
        id,
        made_at,
        expires_at,
    } = invite;
    OpenInvite {
        id,
        made_at: made_at.0,
        expires_at: expires_at.0,
    }
}

fn parse_invite(text: &str) -> Result<outis_identity::Invite, Error> {
    let text = text.trim();
    if text.starts_with("outis:") {
        text.parse()
            .map_err(|error| Error::new(ErrorCode::InvalidAddress, error))
    } else {
        parse_address(text).map(outis_identity::Invite::new)
    }
}

/// Relays that an invite names for somebody who knows none; more would make the QR code hard to scan.
const INVITE_HINTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[tokio::test]
    async fn a_link_on_the_public_network_leads_only_to_public_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let node = "12D3KooWHLiNzW7QL3Tp6UxSULYU9CBiYuciMC49e3rgc3a1NzVs";
        let at = |ip: &str| peer_address(&format!("/ip4/{ip}/udp/4001/quic-v1/p2p/{node}")).unwrap();
        let follows = async |network: &str, ip: &str| {
            let config = Config::new(dir.path().to_owned(), network, &[]).unwrap();
            App::start(config).await.unwrap().may_follow(&at(ip))
        };
        assert!(follows("main", "9.9.9.9").await);
        for private in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1"] {
            assert!(!follows("main", private).await, "{private}");
            assert!(follows("test-links", private).await, "{private}");
        }
    }
}
