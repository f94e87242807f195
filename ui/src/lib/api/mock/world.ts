import type {
  Account,
  Contact,
  ContactState,
  ConversationSettings,
  Message,
  MessageBody,
  MessageState,
  NetworkStatus,
  OpenInvite,
  Settings,
  StepRecord,
  Transfer,
} from '../dto';

/** What the mock holds: the same things as an account and its network, made up. */
export interface World {
  me: Account;
  password: string;
  state: 'locked' | 'unlocked' | 'superseded';
  sandbox: boolean;
  contacts: Map<string, Contact>;
  invites: OpenInvite[];
  messages: Map<string, Message[]>;
  transfers: Map<string, Transfer>;
  /** Bytes that were handed over, by upload. */
  uploads: Map<string, number>;
  /** What was begun to be written, by contact. */
  drafts: Map<string, string>;
  network: NetworkStatus;
  settings: Settings;
  records: Map<string, StepRecord[]>;
  conversations: Map<string, ConversationSettings>;
}

/** What holds for a conversation of which nobody chose otherwise. */
export const PLAIN_CONVERSATION: ConversationSettings = {
  pinned: false,
  muted: false,
  archived: false,
  receipts: 'at_once',
  read_receipts: false,
  typing: false,
  disappear_after: null,
};

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** An address that looks like one; no mock address has a true checksum. */
export function mockAddress(seed: string): string {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
  let state = 7;
  let out = 'outis1';
  while (out.length < 65) {
    for (const letter of seed) state = (state * 31 + letter.charCodeAt(0) + out.length) % 1_000_003;
    out += alphabet.charAt(state % 32);
  }
  return out;
}

/** An account that has just been made: nobody there, the network up. */
export function emptyWorld(): World {
  return {
    me: { address: mockAddress('ada'), nickname: 'Ada', created_at: Date.UTC(2026, 9, 2) },
    password: 'gravel ordinary tuna whisper cabin laptop zebra',
    state: 'locked',
    sandbox: false,
    contacts: new Map(),
    invites: [],
    messages: new Map(),
    transfers: new Map(),
    uploads: new Map(),
    drafts: new Map(),
    network: onlineNetwork(14),
    settings: {
      theme: 'system',
      language: null,
      text_zoom: 100,
      reduce_motion: false,
      lock_after: null,
      notifications: 'plain',
      file_rate: null,
    },
    records: new Map(),
    conversations: new Map(),
  };
}

/** An account with people in it, one for each thing that the window can show. */
export function fullWorld(now: number): World {
  const world = emptyWorld();
  world.state = 'unlocked';
  const person = (nickname: string, state: ContactState, more: Partial<Contact> = {}): Contact => {
    const contact: Contact = {
      address: mockAddress(nickname),
      nickname,
      alias: null,
      state,
      verified: false,
      device_changed: false,
      safety_number: SAFETY_NUMBER,
      unread: 0,
      last_message_at: null,
      last_message: null,
      added_at: now,
      conversation: PLAIN_CONVERSATION,
      returning: false,
      ...more,
    };
    world.contacts.set(contact.address, contact);
    world.messages.set(contact.address, []);
    return contact;
  };

  const odysseus = person('Odysseus', 'accepted', { verified: true });
  const penelope = person('Penelope', 'accepted', { unread: 3 });
  const telemachus = person('Telemachus', 'accepted', { device_changed: true, verified: true });
  const calypso = person('Calypso', 'requested');
  const trickster = person('Circe\u202Egnp.exe', 'accepted', { unread: 120 });
  const ariadne = person('أريادني', 'accepted');
  const polyphemus = person('Polyphemus', 'blocked', { alias: 'One Eye' });
  person('Nestor of sandy Pylos', 'incoming', {
    greeting: 'Your father knew me. I have news from Pylos, if you care to hear an old man.',
  });
  person('Eumaeus', 'incoming', { greeting: 'It is me, the machine is new.', returning: true });

  const at = (ago: number): number => now - ago;
  seed(world, odysseus, [
    ['in', text('Hello, stranger. Is this the place?'), at(2 * DAY)],
    ['out', text('It is no place, and I am nobody. Welcome.'), at(2 * DAY - 2 * MINUTE), 'read'],
    ['in', note('new_session'), at(DAY)],
    ['in', text('We found a cove on the north side. No lights, no patrols.'), at(74 * MINUTE)],
    ['in', text('I drew it from memory, sending it now.'), at(73 * MINUTE)],
    [
      'in',
      file(world, odysseus, 'north-cove-survey.tif', 1.2e9, { done: 0.81e9, state: 'active', rate: 38e6 }),
      at(72 * MINUTE),
    ],
    ['out', text('Good. Nobody saw you come ashore?'), at(64 * MINUTE), 'delivered'],
    ['in', text('Nobody.'), at(60 * MINUTE)],
    [
      'in',
      text('The ship leaves at dawn. Bring the map, and look at https://example.org/tides?day=9 before.'),
      at(59 * MINUTE),
    ],
    ['out', text('I will be there before the light.'), at(58 * MINUTE), 'stored'],
  ]);
  seed(world, penelope, [
    ['out', text('How is the loom?'), at(3 * HOUR), 'read'],
    [
      'out',
      file(world, penelope, 'loom-pattern.pdf', 48_200_000, { done: 48_200_000, state: 'complete' }),
      at(3 * HOUR - MINUTE),
      'delivered',
    ],
    ['in', gap(2), at(2.5 * HOUR)],
    ['in', text('Woven by day, unwoven by night 🧵\nThey have not noticed yet.'), at(2 * HOUR)],
    [
      'in',
      file(world, penelope, 'photo-of-the-loom.jpg', 3_400_000, { state: 'offered' }),
      at(2 * HOUR - MINUTE),
    ],
    ['in', { kind: 'unsupported' }, at(2 * HOUR - 2 * MINUTE)],
  ]);
  seed(world, telemachus, [
    ['in', text('Is the harbour watched?'), at(26 * HOUR)],
    ['out', text('Only by the owl.'), at(26 * HOUR - MINUTE), 'delivered'],
    ['in', note('new_device'), at(25 * HOUR)],
    ['out', text('Which of them is you?'), at(24.5 * HOUR), 'queued'],
    ['out', text('Never mind.'), at(24.4 * HOUR), 'failed'],
  ]);
  seed(world, calypso, [['out', text('It is me, from the island.'), at(3 * DAY), 'queued']]);
  seed(world, trickster, [
    [
      'in',
      text('Read this: in\u200Bvisible and \u202Eturned round\u202C, then 👩‍👩‍👧 as it should be.'),
      at(4 * DAY),
    ],
    ['in', { kind: 'deleted' }, at(4 * DAY - MINUTE)],
  ]);
  seed(world, ariadne, [
    ['in', text('خيط واحد يكفي للخروج.'), at(5 * DAY)],
    ['out', text('One thread is enough, then: see https://example.org.'), at(5 * DAY - MINUTE), 'delivered'],
  ]);
  seed(world, polyphemus, [['in', text('Who blinded me?'), at(6 * DAY)]]);
  enliven(world, odysseus, penelope, trickster);
  return world;
}

/** What people do with messages once they are there, and with conversations. */
function enliven(world: World, odysseus: Contact, penelope: Contact, trickster: Contact): void {
  const [, welcome, , cove, , , good] = world.messages.get(odysseus.address) ?? [];
  if (welcome) welcome.reactions = [{ emoji: '❤️', direction: 'in' }];
  if (cove) cove.reactions = [{ emoji: '👍', direction: 'out' }];
  if (good && cove) good.reply_to = cove.id;
  const woven = world.messages.get(penelope.address)?.[3];
  if (woven) Object.assign(woven, { edited_at: woven.sent_at + MINUTE });
  world.conversations.set(odysseus.address, {
    ...PLAIN_CONVERSATION,
    pinned: true,
    disappear_after: 604_800,
  });
  world.conversations.set(trickster.address, { ...PLAIN_CONVERSATION, muted: true });
  const me = world.me.address;
  world.messages.set(me, [
    { ...ownNote(me, 0, 'Ask the ferryman about the tides.'), sent_at: odysseus.last_message_at ?? 0 },
  ]);
}

function ownNote(me: string, index: number, words: string): Message {
  return {
    id: `self-${index}`,
    contact: me,
    direction: 'out',
    body: text(words),
    sent_at: 0,
    state: 'delivered',
    reactions: [],
  };
}

export function onlineNetwork(relays: number): NetworkStatus {
  return {
    online: relays > 0,
    node_id: '12D3KooWClient',
    peers: Math.min(relays, 4),
    relays_known: relays,
    too_few_relays: relays < 6,
    mailboxes:
      relays > 0 ? ['a', 'b', 'c'].map((id) => ({ node_id: `12D3KooW${id}`, healthy: id !== 'c' })) : [],
    circuits: [],
    guards: [],
    relay: { on: false, node_id: null, listening: [], reachability: 'unknown' },
    bytes_in: 48_200_000,
    bytes_out: 12_900_000,
  };
}

type Seed = [direction: 'in' | 'out', body: MessageBody, at: number, state?: MessageState];

function seed(world: World, contact: Contact, seeds: Seed[]): void {
  const messages = seeds.map(([direction, body, at, state], index): Message => ({
    id: `${contact.nickname.slice(0, 4)}-${index}`,
    contact: contact.address,
    direction,
    body,
    sent_at: at,
    ...(direction === 'in' ? { received_at: at } : {}),
    state: state ?? 'delivered',
    reactions: [],
  }));
  world.messages.set(contact.address, messages);
  contact.last_message_at = messages.at(-1)?.sent_at ?? null;
}

const text = (words: string): MessageBody => ({ kind: 'text', text: words });
const note = (kind: string): MessageBody => ({ kind: 'note', note: kind });
const gap = (count: number): MessageBody => ({ kind: 'gap', count });

function file(
  world: World,
  contact: Contact,
  name: string,
  size: number,
  more: Partial<Transfer>,
): MessageBody {
  const id = `transfer-${world.transfers.size}`;
  const direction = name.startsWith('loom') ? 'out' : 'in';
  world.transfers.set(id, {
    id,
    contact: contact.address,
    direction,
    name,
    folder: false,
    size,
    done: 0,
    state: 'active',
    rate: 0,
    ...more,
  });
  return { kind: 'file', transfer: id, name, size };
}

const SAFETY_NUMBER = '491207703518264903116285010947337180552681170463922508477913';
