// Made by `make bindings` from crates/app. Changes here are lost.

export type Nothing = Record<symbol, never>;

export type Sensitive = string;

export type Bytes = string;

export type Direction = "out" | "in";

export type CreateAccount = { 
/**
 * As others see it.
 */
nickname: string, 
/**
 * The password, or a passphrase.
 */
password: Sensitive, };

export type UnlockAccount = { 
/**
 * As when it was created, give or take case and width.
 */
nickname: string, 
/**
 * What opens this machine's container.
 */
password: Sensitive, 
/**
 * Make a container here if there is none: a new machine, or a reinstall.
 */
restore?: boolean, };

export type ChangePassword = { 
/**
 * The present one.
 */
old: Sensitive, 
/**
 * The next one.
 */
new: Sensitive, };

export type DeleteAccount = { 
/**
 * The one that opens the container.
 */
password: Sensitive, };

export type ExportAccount = { 
/**
 * A file that is not there yet.
 */
path: string, };

export type ImportAccount = { 
/**
 * The file.
 */
path: string, 
/**
 * The account's.
 */
nickname: string, 
/**
 * The one that opened the account's container when the archive was written.
 */
password: Sensitive, };

export type CheckPassword = { 
/**
 * Counts as known to whoever guesses.
 */
nickname: string, 
/**
 * The candidate.
 */
password: Sensitive, };

export type Account = { 
/**
 * `outis1…`
 */
address: string, 
/**
 * As typed.
 */
nickname: string, 
/**
 * When this machine's container was made.
 */
created_at: number, };

export type Unlocked = { 
/**
 * Whether the network knows this account: only where it was restored.
 */
known?: Known, 
/**
 * `outis1…`
 */
address: string, 
/**
 * As typed.
 */
nickname: string, 
/**
 * When this machine's container was made.
 */
created_at: number, };

export type Known = boolean | Unreachable;

export type Unreachable = "unreachable";

export type AccountStatus = { 
/**
 * The state.
 */
state: AccountState, 
/**
 * The account, unless locked.
 */
account?: Account, 
/**
 * This machine may write what is in memory to a disk, keys too: it has swap, and did not let us lock our pages.
 */
may_be_swapped?: boolean, };

export type AccountState = "locked" | "unlocked" | "superseded";

export type Suggestion = { 
/**
 * Seven words.
 */
passphrase: string, 
/**
 * Its entropy.
 */
bits: number, };

export type PasswordStrength = { 
/**
 * Logarithm to base 2 of the guesses that an informed attacker needs.
 */
bits: number, 
/**
 * Whether an account can be created with it.
 */
acceptable: boolean, 
/**
 * What would make it better.
 */
advice: Array<string>, };

export type AddContact = { 
/**
 * An address (`outis1…`) or an invite link (`outis:…`).
 */
address: string, 
/**
 * What we call them.
 */
alias?: string, 
/**
 * What they read before they decide; at most 500 characters.
 */
greeting?: string, };

export type ContactAddress = { 
/**
 * `outis1…`
 */
address: string, };

export type RenameContact = { 
/**
 * `outis1…`
 */
address: string, 
/**
 * What we call them; empty for their own nickname.
 */
alias: string, };

export type VerifyContact = { 
/**
 * `outis1…`
 */
address: string, 
/**
 * Whether it matched. `true` also confirms a changed device.
 */
verified: boolean, };

export type Contact = { 
/**
 * `outis1…`
 */
address: string, 
/**
 * What they call themselves; empty until they have said so.
 */
nickname: string, 
/**
 * What we call them.
 */
alias: string | null, 
/**
 * Where we stand.
 */
state: ContactState, 
/**
 * Whether a person has compared the safety number.
 */
verified: boolean, 
/**
 * Whether they have signed in on a new device since then.
 */
device_changed: boolean, 
/**
 * 60 digits in twelve groups of five.
 */
safety_number: string, 
/**
 * Messages that have not been read.
 */
unread: number, 
/**
 * When the last message was sent or came.
 */
last_message_at: number | null, 
/**
 * What they wrote with their request.
 */
greeting?: string, 
/**
 * A request from somebody who says that we were in contact before.
 */
returning: boolean, 
/**
 * When they became a contact, or asked.
 */
added_at: number, 
/**
 * The last message of the conversation, its text cut to 200 characters.
 */
last_message: Message | null, 
/**
 * What was begun to be written to them, cut to 200 characters.
 */
draft?: string, 
/**
 * What was chosen for the conversation.
 */
conversation: ConversationSettings, };

export type ContactState = "requested" | "incoming" | "accepted" | "declined" | "blocked";

export type MakeInvite = { 
/**
 * One that one person can use once: they pay no work, and are heard however many strangers wait.
 */
once?: boolean, };

export type Invite = { 
/**
 * `outis:<address>?…`
 */
link: string, 
/**
 * The link as a QR code.
 */
qr_svg: string, 
/**
 * If it can be used once: as what it is listed until then.
 */
once?: OpenInvite, };

export type OpenInvite = { 
/**
 * Names it on this machine.
 */
id: number, 
/**
 * When it was made.
 */
made_at: number, 
/**
 * When it ends by itself.
 */
expires_at: number, };

export type InviteRef = { 
/**
 * The invite.
 */
id: number, };

export type SendMessage = { 
/**
 * To whom: `outis1…`; one's own address for the note to self.
 */
contact: string, 
/**
 * At most 64 KiB of UTF-8.
 */
text: string, 
/**
 * The message that it answers.
 */
reply_to?: string, };

export type ListMessages = { 
/**
 * Whose conversation.
 */
contact: string, 
/**
 * Only what is older than this message.
 */
before?: string, 
/**
 * Only what is newer than this message.
 */
after?: string, 
/**
 * What stands around this message, and itself.
 */
around?: string, 
/**
 * How many, 1 to 500; 50 if not said.
 */
limit?: number, };

export type SearchMessages = { 
/**
 * Words or their beginnings, in any script; case and accents do not matter.
 */
query: Sensitive, 
/**
 * Only in the conversation with this contact.
 */
contact?: string, 
/**
 * How many, 1 to 500; 50 if not said.
 */
limit?: number, };

export type MarkRead = { 
/**
 * Whose conversation.
 */
contact: string, 
/**
 * The last message that was read.
 */
up_to: string, };

export type MessageRef = { 
/**
 * The id.
 */
id: string, };

export type DeleteMessage = { 
/**
 * The id.
 */
id: string, 
/**
 * On the contact's computer too, as far as their program obeys; only one's own messages.
 */
for_everyone?: boolean, };

export type EditMessage = { 
/**
 * The id.
 */
id: string, 
/**
 * At most 64 KiB of UTF-8.
 */
text: string, };

export type ReactToMessage = { 
/**
 * The id.
 */
id: string, 
/**
 * At most 64 bytes of UTF-8; empty to take it back.
 */
emoji: string, };

export type Sent = { 
/**
 * The id.
 */
id: string, };

export type MessagePage = { 
/**
 * Newest last; what was searched for, newest first.
 */
messages: Array<Message>, 
/**
 * Whether there are older ones.
 */
more: boolean, 
/**
 * Whether there are newer ones.
 */
newer: boolean, };

export type Message = { 
/**
 * Its id on this machine.
 */
id: string, 
/**
 * Whose conversation it is in.
 */
contact: string, 
/**
 * Which way it went.
 */
direction: Direction, 
/**
 * What it says.
 */
body: MessageBody, 
/**
 * When its sender sent it, by the sender's clock.
 */
sent_at: number, 
/**
 * When it came, by ours.
 */
received_at?: number, 
/**
 * How far it got.
 */
state: MessageState, 
/**
 * The message that it answers.
 */
reply_to?: string, 
/**
 * When it was last changed.
 */
edited_at?: number, 
/**
 * Who reacted how.
 */
reactions: Array<Reaction>, 
/**
 * Seconds after which it goes by itself: from its first put, or from when it was looked at.
 */
disappear_after?: number, 
/**
 * When it goes, once that is known.
 */
disappears_at?: number, };

export type MessageBody = { "kind": "text", 
/**
 * The text.
 */
text: string, } | { "kind": "file", 
/**
 * Its transfer.
 */
transfer: string, 
/**
 * Its name, made safe.
 */
name: string, 
/**
 * Its size in bytes.
 */
size: number, 
/**
 * If it is something spoken.
 */
voice?: Voice, } | { "kind": "gap", 
/**
 * How many.
 */
count: number, } | { "kind": "deleted" } | { "kind": "note", 
/**
 * What: `new_device`, `new_session`, `chain_broken` or `disappearing`.
 */
note: string, 
/**
 * Of `disappearing`: the seconds; absent when messages stay from here on.
 */
seconds?: number, } | { "kind": "unsupported" };

export type Reaction = { 
/**
 * The emoji.
 */
emoji: string, 
/**
 * Whose it is.
 */
direction: Direction, };

export type MessageState = "queued" | "stored" | "delivered" | "read" | "failed";

export type StepRecord = { 
/**
 * When.
 */
at: number, 
/**
 * What happened, for a program.
 */
step: string, 
/**
 * The same for a person.
 */
detail: string, };

export type ConversationSettings = { 
/**
 * Messages go by themselves after so many seconds; `null`: they stay. Either side chooses, the last choice holds.
 */
disappear_after: number | null, 
/**
 * No notifications.
 */
muted: boolean, 
/**
 * When the contact is told that something arrived.
 */
receipts: Receipts, 
/**
 * Whether the contact is told what was looked at.
 */
read_receipts: boolean, 
/**
 * Whether the contact is told while something is being written.
 */
typing: boolean, 
/**
 * Shown above the others.
 */
pinned: boolean, 
/**
 * Shown apart from the others, until something comes, unless it is muted.
 */
archived: boolean, };

export type Receipts = "at_once" | "hourly";

export type SetConversation = { 
/**
 * Whose: `outis1…`; one's own address for the notes to self.
 */
contact: string, 
/**
 * Seconds; `null` or 0 for ever.
 */
disappear_after?: number | null, 
/**
 * No notifications.
 */
muted?: boolean, 
/**
 * When the contact is told that something arrived.
 */
receipts?: Receipts, 
/**
 * Whether the contact is told what was looked at.
 */
read_receipts?: boolean, 
/**
 * Whether the contact is told while something is being written.
 */
typing?: boolean, 
/**
 * Shown above the others.
 */
pinned?: boolean, 
/**
 * Shown apart from the others.
 */
archived?: boolean, };

export type ConversationRef = { 
/**
 * Whose: `outis1…`
 */
contact: string, };

export type KeepDraft = { 
/**
 * To whom: `outis1…`; one's own address for the note to self.
 */
contact: string, 
/**
 * What to keep in place of what was kept, at most 64 KiB of UTF-8; empty to forget it. Left out, nothing changes.
 */
text?: Sensitive, };

export type Draft = { 
/**
 * Empty if there is nothing.
 */
text: string, };

export type SendFile = { 
/**
 * To whom.
 */
contact: string, 
/**
 * Where it lies on this machine; a folder is sent with all that is in it.
 */
path: string, 
/**
 * Send images with what a camera wrote into them: where and when, with what.
 */
keep_metadata?: boolean, };

export type PutBytes = { 
/**
 * What they are to be added to; a new upload without it.
 */
upload?: string, 
/**
 * The next of them.
 */
bytes: Bytes, };

export type Upload = { 
/**
 * Its name, until it is sent or the account is locked.
 */
upload: string, 
/**
 * How many bytes there are.
 */
size: number, };

export type SendBytes = { 
/**
 * To whom.
 */
contact: string, 
/**
 * What to call them; made safe.
 */
name: string, 
/**
 * What was handed over before.
 */
upload?: string, 
/**
 * The bytes, or the last of them. At most 16 MiB in all.
 */
bytes?: Bytes, 
/**
 * Send an image with what a camera wrote into it.
 */
keep_metadata?: boolean, 
/**
 * It is something spoken.
 */
voice?: Voice, };

export type Voice = { 
/**
 * How long it is, in milliseconds.
 */
ms: number, 
/**
 * How loud it is, 0 to 255, in at most 64 even steps from its beginning to its end.
 */
waveform: Array<number>, };

export type ReadFile = { 
/**
 * The transfer.
 */
id: string, 
/**
 * Where to begin; at the beginning if not said.
 */
offset?: number, };

export type FilePart = { 
/**
 * From the offset on, at most 1 MiB.
 */
bytes: Bytes, 
/**
 * Of the whole file.
 */
size: number, };

export type Thumbnail = { 
/**
 * `image/jpeg` or `image/png`.
 */
mime: string, 
/**
 * In base64.
 */
data: Bytes, 
/**
 * Pixels from side to side.
 */
width: number, 
/**
 * Pixels from top to bottom.
 */
height: number, };

export type AcceptFile = { 
/**
 * The transfer.
 */
id: string, 
/**
 * Where to save it once it is complete; without it the file stays sealed in the container.
 */
save_to?: string, };

export type TransferRef = { 
/**
 * The transfer.
 */
id: string, };

export type SaveFile = { 
/**
 * The transfer.
 */
id: string, 
/**
 * Where to; nothing there is overwritten.
 */
path: string, };

export type ListFiles = { 
/**
 * Only those with this contact.
 */
contact?: string, };

export type Transfer = { 
/**
 * Its id on this machine.
 */
id: string, 
/**
 * With whom.
 */
contact: string, 
/**
 * Which way it goes.
 */
direction: Direction, 
/**
 * The file's name, made safe.
 */
name: string, 
/**
 * Whether it is a folder: saved as one.
 */
folder: boolean, 
/**
 * If it is something spoken.
 */
voice?: Voice, 
/**
 * Its size in bytes.
 */
size: number, 
/**
 * How many of them are there.
 */
done: number, 
/**
 * How far it got.
 */
state: TransferState, 
/**
 * Why it is no further, where its state alone does not say.
 */
why?: TransferReason, 
/**
 * Bytes a second just now.
 */
rate: number, 
/**
 * BLAKE3 of the whole file, in hex.
 */
blake3?: string, };

export type TransferState = "offered" | "active" | "paused" | "waiting" | "complete" | "declined" | "cancelled" | "failed";

export type TransferReason = "paused_here" | "paused_there" | "disk_full" | "in_mailbox" | "in_outbox" | "unreadable" | "changed";

export type AddPeer = { 
/**
 * A multiaddress with the relay's id: `/ip4/…/udp/…/quic-v1/p2p/12D3KooW…`.
 */
address: string, };

export type NetworkStatus = { 
/**
 * Whether a relay answers.
 */
online: boolean, 
/**
 * The client's id, a fresh one at each start; empty while locked.
 */
node_id: string, 
/**
 * Relays we are connected with.
 */
peers: number, 
/**
 * Relays we could use.
 */
relays_known: number, 
/**
 * Whether those are too few for circuits: then nothing is sent, and nothing goes another way.
 */
too_few_relays: boolean, 
/**
 * Relays that keep queues of ours.
 */
mailboxes: Array<MailboxStatus>, 
/**
 * Ways through the network.
 */
circuits: Array<CircuitStatus>, 
/**
 * First relays of all our circuits.
 */
guards: Array<string>, 
/**
 * What this machine does for others.
 */
relay: RelayStatus, 
/**
 * Received since the account was unlocked.
 */
bytes_in: number, 
/**
 * Sent since then.
 */
bytes_out: number, };

export type MailboxStatus = { 
/**
 * The relay.
 */
node_id: string, 
/**
 * Whether it answers.
 */
healthy: boolean, };

export type CircuitStatus = { 
/**
 * Its number.
 */
id: string, 
/**
 * What it is for: `mailbox`, `directory` or `file`; `spare` if it waits to be used.
 */
purpose: string, 
/**
 * The relays before the endpoint.
 */
hops: Array<string>, 
/**
 * How long building it took.
 */
built_ms: number, };

export type RelayStatus = { 
/**
 * Whether it runs.
 */
on: boolean, 
/**
 * Its id, which has nothing to do with any account.
 */
node_id: string | null, 
/**
 * Where it listens.
 */
listening: Array<string>, 
/**
 * `off`, `private` or `unknown`: whether others can reach it.
 */
reachability: string, };

export type Settings = { 
/**
 * The window's colours.
 */
theme: Theme, 
/**
 * A language tag such as `de`; `null` follows the system.
 */
language: string | null, 
/**
 * How large text is, in percent: 80 to 200.
 */
text_zoom: number, 
/**
 * Nothing moves on the screen, whatever the system says.
 */
reduce_motion: boolean, 
/**
 * Minutes without a hand on mouse or keyboard after which the account locks itself; `null` for never.
 */
lock_after: number | null, 
/**
 * What the desktop is told when a message comes.
 */
notifications: Notifications, 
/**
 * Bytes a second that files may take, each way; `null` for as much as there is.
 */
file_rate: number | null, };

export type SettingsChange = { 
/**
 * The window's colours.
 */
theme?: Theme, 
/**
 * A language tag, or `null`.
 */
language?: string | null, 
/**
 * How large text is, in percent: 80 to 200.
 */
text_zoom?: number, 
/**
 * Nothing moves on the screen.
 */
reduce_motion?: boolean, 
/**
 * Minutes, 1 to 1440, or `null`.
 */
lock_after?: number | null, 
/**
 * What the desktop is told when a message comes.
 */
notifications?: Notifications, 
/**
 * Bytes a second for files, or `null`.
 */
file_rate?: number | null, };

export type Theme = "system" | "light" | "dark";

export type Notifications = "off" | "plain" | "content";

export type AppInfo = { 
/**
 * The version.
 */
version: string, 
/**
 * Whether everything here is a sandbox and gone on exit.
 */
sandbox: boolean, 
/**
 * Whether a program drives the window.
 */
automation: boolean, };

export type PickedFile = { 
/**
 * Where it is.
 */
path: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * Its size in bytes.
 */
size: number, };

export type SuggestedName = { 
/**
 * The name.
 */
suggested_name: string, };

export type CopyText = { 
/**
 * The text.
 */
text: Sensitive, };

export type OpenLink = { 
/**
 * An https address.
 */
url: string, };

export type ShellSettings = { 
/**
 * It starts, without a window, when the person signs in to the system.
 */
autostart: boolean, 
/**
 * Whether there is a tray that closing the window hides to. Found out, not chosen.
 */
tray: boolean, };

export type ShellChange = { 
/**
 * Whether it starts with the system.
 */
autostart?: boolean, };

export type ShellWords = { 
/**
 * In the tray: shows the window.
 */
open: string, 
/**
 * In the tray: locks the account.
 */
lock: string, 
/**
 * In the tray: ends the program.
 */
quit: string, 
/**
 * Notification: a message has come.
 */
message: string, 
/**
 * Notification: somebody wants to talk.
 */
request: string, 
/**
 * Notification, once: the window is closed, the program goes on.
 */
hidden: string, };

export type AppError = { 
/**
 * What a caller acts on.
 */
code: ErrorCode, 
/**
 * One plain English sentence.
 */
message: string, };

export type ErrorCode = "invalid_params" | "locked" | "wrong_credentials" | "weak_password" | "nickname_invalid" | "account_exists" | "account_superseded" | "not_found" | "invalid_address" | "self_contact" | "not_a_contact" | "blocked" | "too_large" | "file_unreadable" | "path_exists" | "disk_full" | "too_little_memory" | "container_damaged" | "container_too_new" | "container_in_use" | "too_few_relays" | "internal";

export type Event = { "type": "message.received", 
/**
 * The message.
 */
message: Message, } | { "type": "message.updated", 
/**
 * The message.
 */
message: Message, } | { "type": "message.removed", 
/**
 * Whose conversation it was in.
 */
contact: string, 
/**
 * Its id.
 */
id: string, } | { "type": "contact.request", 
/**
 * Who.
 */
contact: Contact, } | { "type": "contact.updated", 
/**
 * Who.
 */
contact: Contact, } | { "type": "contact.removed", 
/**
 * Who.
 */
contact: string, } | { "type": "contact.typing", 
/**
 * Who.
 */
contact: string, } | { "type": "transfer.updated", 
/**
 * The transfer.
 */
transfer: Transfer, } | { "type": "network.updated", 
/**
 * How it is now.
 */
status: NetworkStatus, } | { "type": "progress", 
/**
 * Which method it belongs to.
 */
operation: string, 
/**
 * How much of it is done.
 */
done: number, 
/**
 * Of how much, where that is known.
 */
total?: number, } | { "type": "events.missed", } | { "type": "account.locked", } | { "type": "account.superseded", };
