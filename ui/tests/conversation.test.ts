/** What one does with messages, as the state does it. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Message } from '$lib/api/dto';
import { MockBackend } from '$lib/api/mock';
import { fullWorld, mockAddress, PLAIN_CONVERSATION } from '$lib/api/mock/world';
import { gathered } from '$lib/domain/message';
import { isEmojiOnly, matching, emojis } from '$lib/emoji/emoji';
import { snippet } from '$lib/text/snippet';
import { AppState } from '$lib/state/app.svelte';
import { commands, fitting } from '$lib/state/commands';
import type { Conversation } from '$lib/state/conversation.svelte';
import { IdleState } from '$lib/state/idle.svelte';
import { Stopped } from '$lib/state/session.svelte';
import { message, settled } from './made';

const NOW = new Date(2026, 10, 22, 12).getTime();
const odysseus = mockAddress('Odysseus');
const calls = (backend: MockBackend, method: string): unknown[] =>
  backend.calls.filter((call) => call.method === method).map(({ params }) => params);
const textOf = ({ body }: Message): string => (body.kind === 'text' ? body.text : '');

let backend: MockBackend;
let app: AppState;
let conversation: Conversation;

beforeEach(async () => {
  backend = new MockBackend({ world: fullWorld(NOW), now: () => NOW, later: () => undefined });
  app = new AppState(backend, ['en-GB']);
  await app.start();
  await settled();
  app.stop();
  await backend.listen((event) => app.take(event));
  conversation = app.conversations.with(odysseus);
  await conversation.load();
});

const said = (words: string): Message => {
  const found = conversation.messages.find((one) => textOf(one).includes(words));
  if (!found) throw new Error(`nobody said ${words}`);
  return found;
};

describe('an answer', () => {
  it('names the message that it answers, and the draft is free again', async () => {
    const cove = said('cove');
    conversation.answer(cove);
    conversation.draft = 'Which side?';
    await conversation.send(NOW);
    expect(calls(backend, 'message.send')).toEqual([
      { contact: odysseus, text: 'Which side?', reply_to: cove.id },
    ]);
    expect(conversation.answering).toBeNull();
    expect(conversation.newest?.reply_to).toBe(cove.id);
  });

  it('comes back with its draft when it is refused', async () => {
    const cove = said('cove');
    conversation.answer(cove);
    conversation.draft = 'Which side?';
    backend.refuse('message.send', 'disk_full');
    await expect(conversation.send(NOW)).rejects.toMatchObject({ code: 'disk_full' });
    expect(conversation.answering?.id).toBe(cove.id);
    expect(conversation.draft).toBe('Which side?');
  });
});

describe('an edit', () => {
  it('changes the message in its place and gives the draft back', async () => {
    const mine = said('before the light');
    conversation.draft = 'half a thought';
    conversation.edit(mine);
    expect(conversation.draft).toBe(textOf(mine));
    conversation.draft = 'I will be there at noon.';
    await conversation.send(NOW);
    expect(conversation.message(mine.id)).toMatchObject({ edited_at: NOW });
    expect(conversation.draft).toBe('half a thought');
    expect(calls(backend, 'message.send')).toEqual([]);
  });

  it('that changes nothing asks nothing', async () => {
    conversation.edit(said('before the light'));
    await conversation.send(NOW);
    expect(conversation.editing).toBeNull();
    expect(calls(backend, 'message.edit')).toEqual([]);
  });

  it('that is refused stays in the field', async () => {
    conversation.edit(said('before the light'));
    conversation.draft = 'other';
    backend.refuse('message.edit', 'not_found');
    await expect(conversation.send(NOW)).rejects.toMatchObject({ code: 'not_found' });
    expect(conversation.editing).not.toBeNull();
    expect(conversation.draft).toBe('other');
  });
});

describe('a reaction', () => {
  it('is set, changed, and taken away by the same again', async () => {
    const ship = said('The ship leaves');
    const own = (): string | undefined =>
      conversation.message(ship.id)?.reactions.find(({ direction }) => direction === 'out')?.emoji;
    await conversation.react(ship, '👍');
    expect(own()).toBe('👍');
    await conversation.react(said('The ship leaves'), '❤️');
    expect(own()).toBe('❤️');
    await conversation.react(said('The ship leaves'), '❤️');
    expect(own()).toBeUndefined();
  });

  it('of two people that is the same is one with a number', () => {
    const both = message({
      reactions: [
        { emoji: '👍', direction: 'in' },
        { emoji: '👍', direction: 'out' },
        { emoji: '🙏', direction: 'in' },
      ],
    });
    expect(gathered(both)).toEqual([
      { emoji: '👍', count: 2, own: true },
      { emoji: '🙏', count: 1, own: false },
    ]);
  });
});

describe('deleting', () => {
  it('for oneself takes the messages away here', async () => {
    const ids = [said('cove').id, said('memory').id];
    ids.forEach((id) => conversation.select(id));
    await conversation.delete(ids, 'me');
    expect(conversation.messages.some(({ id }) => ids.includes(id))).toBe(false);
    expect(conversation.selected.size).toBe(0);
    expect(calls(backend, 'message.delete')).toEqual(ids.map((id) => ({ id })));
  });

  it('for everyone leaves a place where it was', async () => {
    const { id } = said('before the light');
    await conversation.delete([id], 'everyone');
    expect(conversation.message(id)?.body.kind).toBe('deleted');
    expect(calls(backend, 'message.delete')).toEqual([{ id, for_everyone: true }]);
  });

  it('that is refused halfway keeps what is still there', async () => {
    const [first, second] = [said('cove').id, said('memory').id];
    backend.refuse('message.delete', 'disk_full');
    await expect(conversation.delete([first, second], 'me')).rejects.toMatchObject({ code: 'disk_full' });
    expect(conversation.message(first)).toBeDefined();
    expect(conversation.message(second)).toBeDefined();
  });
});

describe('finding the way', () => {
  beforeEach(async () => {
    backend.world.messages.set(
      odysseus,
      Array.from({ length: 3_000 }, (_, index) =>
        message({
          id: `m${index}`,
          contact: odysseus,
          direction: 'in',
          body: { kind: 'text', text: `Line ${index}` },
          sent_at: NOW - (3_000 - index) * 60_000,
          received_at: NOW - (3_000 - index) * 60_000,
        }),
      ),
    );
    app.conversations.clear();
    conversation = app.conversations.with(odysseus);
    await conversation.load();
  });

  it('reads what stands around a message, however far back it lies', async () => {
    const asked = calls(backend, 'message.list').length;
    expect(await conversation.show('m1000')).toBe(true);
    expect(conversation.target).toEqual({ id: 'm1000' });
    expect(calls(backend, 'message.list').length - asked).toBe(1);
    expect(conversation.messages[0]?.id).toBe('m900');
    expect(conversation.more).toBe(true);
    expect(conversation.newer).toBe(true);
  });

  it('reads on from there, and to the very end', async () => {
    await conversation.show('m2700');
    await conversation.loadNewer();
    expect(conversation.newest?.id).toBe('m2999');
    expect(conversation.newer).toBe(false);
    expect(new Set(conversation.messages.map(({ id }) => id)).size).toBe(conversation.messages.length);
    const asked = calls(backend, 'message.list').length;
    await conversation.loadNewer();
    expect(calls(backend, 'message.list')).toHaveLength(asked);
  });

  it('puts nothing new at the end of what stands far back', async () => {
    await conversation.show('m1000');
    backend.receive(odysseus, 'Where are you?');
    expect(conversation.messages.some((one) => textOf(one) === 'Where are you?')).toBe(false);
    conversation.draft = 'Far away.';
    await conversation.send(NOW);
    expect(conversation.newer).toBe(false);
    expect(conversation.messages.slice(-2).map(textOf)).toEqual(['Where are you?', 'Far away.']);
  });

  it('says that a message is gone, and stays where it is', async () => {
    const before = conversation.messages;
    expect(await conversation.show('never')).toBe(false);
    expect(conversation.messages).toBe(before);
  });

  it('goes to a time, or to the next there is', async () => {
    await conversation.showTime(NOW - 1_500 * 60_000 - 30_000);
    expect(conversation.target).toEqual({ id: 'm1500' });
    await conversation.showTime(NOW + 1);
    expect(conversation.target).toEqual({ id: 'm2999' });
    await conversation.showTime(0);
    expect(conversation.target).toEqual({ id: 'm0' });
    await conversation.show('m2999');
    await conversation.show('m5');
    await conversation.showTime(NOW - 60_000);
    expect(conversation.target).toEqual({ id: 'm2999' });
  });

  it('finds words and steps through the hits, round again', async () => {
    await conversation.find.run('Line 29');
    expect(conversation.find.hit?.id).toBe('m2999');
    conversation.find.step(1);
    expect(conversation.find.hit?.id).toBe('m2998');
    conversation.find.step(-1);
    conversation.find.step(-1);
    expect(conversation.find.at).toBe(conversation.find.hits.length - 1);
    conversation.find.close();
    expect(conversation.find.hits).toEqual([]);
  });

  it('lets an answer go to what is no longer asked', async () => {
    const first = conversation.find.run('Line 1');
    const second = conversation.find.run('Line 2999');
    await Promise.all([first, second]);
    expect(conversation.find.hits.map(({ id }) => id)).toEqual(['m2999']);
  });

  it('marks where the unread ones begin', async () => {
    app.conversations.clear();
    const anew = app.conversations.with(odysseus);
    await anew.load(100);
    expect(anew.firstUnread).toBe('m2900');
    const rows = anew.rows;
    const line = rows.findIndex((row) => row.kind === 'unread');
    expect(rows[line + 1]).toMatchObject({ kind: 'message', key: 'm2900' });
  });
});

describe('the list', () => {
  it('has the pinned first, and the archived apart', async () => {
    expect(app.contacts.conversations[0]?.address).toBe(odysseus);
    await app.contacts.configure(odysseus, { pinned: false, archived: true });
    expect(app.contacts.conversations.map(({ address }) => address)).not.toContain(odysseus);
    expect(app.contacts.archived.map(({ address }) => address)).toEqual([odysseus]);
    expect(backend.world.conversations.get(odysseus)).toMatchObject({ archived: true });
    await app.contacts.configure(odysseus, { ...PLAIN_CONVERSATION });
    expect(app.contacts.archived).toEqual([]);
  });

  it('has a note to self, of which the core lists none', async () => {
    const self = app.contacts.self;
    expect(self?.nickname).toBe('Note to self');
    expect(app.contacts.get(self?.address ?? '')).toEqual(self);
    const notes = app.conversations.with(self?.address ?? '');
    notes.draft = 'Remember the oar';
    await notes.send(NOW);
    expect(backend.world.messages.get(self?.address ?? '')?.at(-1)).toMatchObject({ state: 'delivered' });
  });
});

describe('files let go over the window', () => {
  it('go to the conversation that is open', async () => {
    await app.start();
    app.navigation.open(odysseus);
    backend.drop({ kind: 'over' });
    expect(app.dragging).toBe(true);
    backend.drop({ kind: 'dropped', paths: ['/tmp/a.png', '/tmp/b.png'] });
    await settled();
    app.stop();
    expect(app.dragging).toBe(false);
    expect(calls(backend, 'file.send')).toEqual([
      { contact: odysseus, path: '/tmp/a.png' },
      { contact: odysseus, path: '/tmp/b.png' },
    ]);
  });

  it('go nowhere where there is nobody, or a question open', async () => {
    await app.start();
    backend.drop({ kind: 'over' });
    expect(app.dragging).toBe(false);
    backend.drop({ kind: 'dropped', paths: ['/tmp/a.png'] });
    app.navigation.open(odysseus);
    app.navigation.show({ name: 'shortcuts' });
    backend.drop({ kind: 'dropped', paths: ['/tmp/a.png'] });
    await settled();
    app.stop();
    expect(calls(backend, 'file.send')).toEqual([]);
  });
});

describe('stopping', () => {
  it('a key that is being made rejects at once, and undoes what comes of it', async () => {
    const waiting: (() => void)[] = [];
    const slow = new MockBackend({ later: (_, action) => waiting.push(action), derivationMs: 100 });
    const other = new AppState(slow, ['en']);
    await other.session.start();
    const making = other.session.create('Ada', 'seven words of which nobody can think');
    await settled();
    other.session.stop();
    await expect(making).rejects.toBeInstanceOf(Stopped);
    expect(other.session.phase).toBe('locked');
    while (waiting.length > 0) {
      waiting.shift()?.();
      await settled();
    }
    expect(calls(slow, 'account.delete')).toEqual([{ password: 'seven words of which nobody can think' }]);
    expect(other.session.phase).toBe('locked');
  });

  it('an account that is being opened locks it again', async () => {
    const waiting: (() => void)[] = [];
    const slow = new MockBackend({ later: (_, action) => waiting.push(action), derivationMs: 100 });
    const other = new AppState(slow, ['en']);
    const opening = other.session.unlock('Ada', slow.world.password, 'here');
    await settled();
    other.session.stop();
    await expect(opening).rejects.toBeInstanceOf(Stopped);
    while (waiting.length > 0) {
      waiting.shift()?.();
      await settled();
    }
    expect(slow.world.state).toBe('locked');
    expect(calls(slow, 'account.lock')).toHaveLength(1);
  });
});

describe('an idle account', () => {
  it('locks after the minutes that were chosen, by the clock and not by ticks', () => {
    let now = 0;
    let minutes: number | null = 5;
    let locked = 0;
    const idle = new IdleState(
      () => minutes,
      () => (locked += 1),
      () => now,
    );
    now = 5 * 60_000 - 1;
    idle.look();
    expect(locked).toBe(0);
    idle.touch();
    now += 5 * 60_000;
    idle.look();
    expect(locked).toBe(1);
    minutes = null;
    now += 1e9;
    idle.look();
    expect(locked).toBe(1);
  });

  it('is locked with all that was shown', async () => {
    await app.settings.choose({ lock_after: 1 });
    let now = Date.now();
    const realNow = Date.now;
    Date.now = () => now;
    app.idle.touch();
    now += 61_000;
    app.idle.look();
    await settled();
    Date.now = realNow;
    expect(app.session.phase).toBe('locked');
    expect(app.contacts.all).toEqual([]);
  });
});

describe('the palette', () => {
  it('finds by words in any order, what begins with them first', () => {
    const list = ['Open the network', 'Network', 'Settings: Network'];
    expect(fitting(list, 'net', (text) => text)[0]).toBe('Open the network');
    expect(fitting(list, 'network set', (text) => text)).toEqual(['Settings: Network']);
    expect(fitting(list, 'x', (text) => text)).toEqual([]);
  });

  it('has nothing about a conversation where none is open', () => {
    const ids = (): string[] => commands(app).map(({ id }) => id);
    expect(ids()).not.toContain('shortcut.details');
    app.navigation.open(odysseus);
    expect(ids()).toContain('shortcut.details');
  });
});

describe('emoji', () => {
  it('are found by what they show, in the language', async () => {
    const signs = async (language: 'en' | 'de', query: string): Promise<string[]> =>
      matching(await emojis(language), query).map(({ sign }) => sign);
    expect(await signs('en', 'sailboat')).toContain('⛵️');
    expect(await signs('de', 'segelboot')).toContain('⛵️');
    expect(await signs('en', 'zzzz')).toEqual([]);
  });

  it.each(['👍', '❤️', '👩‍👩‍👧 🧵', '🇬🇷🇬🇷'])('are large where %s stands alone', (text) => {
    expect(isEmojiOnly(text)).toBe(true);
  });

  it.each(['', 'a', '👍 yes', '1', '👍👍👍👍'])('are as large as text in %j', (text) => {
    expect(isEmojiOnly(text)).toBe(false);
  });
});

describe('a snippet', () => {
  it('shows what stands around the hit, whole signs only', () => {
    expect(snippet('one two three', 'TWO')).toEqual({ before: 'one ', hit: 'two', after: ' three' });
    const long = snippet(`${'🧵'.repeat(30)} needle`, 'needle');
    expect(long.before.startsWith('…')).toBe(true);
    expect(long.before).toBe(`…${'🧵'.repeat(8)} `);
    expect(snippet('nothing here', 'x').hit).toBe('');
  });
});

describe('what the core tells of', () => {
  it('that is gone is gone from the screen, and from what was about to be done with it', () => {
    const cove = said('cove');
    conversation.answer(cove);
    conversation.select(cove.id);
    app.take({ type: 'message.removed', contact: odysseus, id: cove.id });
    expect(conversation.message(cove.id)).toBeUndefined();
    expect(conversation.answering).toBeNull();
    expect(conversation.selected.size).toBe(0);
  });

  it('that somebody is no contact any more, whoever removed them', () => {
    expect(app.contacts.get(odysseus)).toBeDefined();
    app.take({ type: 'contact.removed', contact: odysseus });
    expect(app.contacts.get(odysseus)).toBeUndefined();
    expect(app.navigation.contact).not.toBe(odysseus);
  });

  it('that something was missed, and then all is read again', async () => {
    app.contacts.removed(odysseus);
    app.take({ type: 'events.missed' });
    await vi.waitFor(() => expect(app.contacts.get(odysseus)).toBeDefined());
  });

  it('that writes is shown until the message comes', () => {
    app.take({ type: 'contact.typing', contact: odysseus });
    expect(app.typing.is(odysseus)).toBe(true);
    backend.receive(odysseus, 'There.');
    expect(app.typing.is(odysseus)).toBe(false);
  });

  it('that locked by itself leads to the door', () => {
    app.take({ type: 'account.locked' });
    expect(app.session.phase).toBe('locked');
    expect(app.navigation.entry).toBe('sign-in');
    expect(app.contacts.all).toEqual([]);
  });

  it('that one writes is told every few seconds at most', async () => {
    conversation.draft = 'H';
    await conversation.typed(10_000);
    await conversation.typed(11_000);
    await conversation.typed(15_000);
    conversation.draft = ' ';
    await conversation.typed(30_000);
    expect(calls(backend, 'conversation.typing')).toHaveLength(2);
  });
});

describe('a picture that came', () => {
  it('is asked for once, and is nothing but a picture', async () => {
    const [first, second] = [await app.transfers.thumbnail('a'), await app.transfers.thumbnail('a')];
    expect(first).toMatch(/^data:image\/png;base64,/);
    expect(second).toBe(first);
    expect(calls(backend, 'file.thumbnail')).toEqual([{ id: 'a' }]);
  });

  it('that cannot be had is no trouble', async () => {
    backend.refuse('file.thumbnail', 'not_found');
    expect(await app.transfers.thumbnail('b')).toBeNull();
    expect(app.notices.list).toEqual([]);
  });
});
