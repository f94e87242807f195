import { beforeEach, describe, expect, it } from 'vitest';
import { MockBackend } from '$lib/api/mock';
import { emptyWorld, fullWorld, mockAddress, onlineNetwork, type World } from '$lib/api/mock/world';
import { AppState } from '$lib/state/app.svelte';
import { Conversation } from '$lib/state/conversation.svelte';
import { keyNames, shortcutFor, shortcuts } from '$lib/state/shortcuts';
import { contact, message, settled } from './made';

const NOW = new Date(2026, 10, 22, 12).getTime();
const odysseus = mockAddress('Odysseus');

/** An app on a world of which nothing moves by itself. */
async function started(world: World): Promise<{ app: AppState; backend: MockBackend }> {
  const backend = new MockBackend({ world, now: () => NOW, later: () => undefined });
  const app = new AppState(backend, ['en-GB']);
  await app.start();
  await settled();
  app.clock.stop();
  return { app, backend };
}

describe('a conversation', () => {
  let backend: MockBackend;
  let conversation: Conversation;

  beforeEach(() => {
    const world = fullWorld(NOW);
    world.messages.set(
      odysseus,
      Array.from({ length: 500 }, (_, index) =>
        message({ id: `m${index}`, contact: odysseus, sent_at: index }),
      ),
    );
    backend = new MockBackend({ world, now: () => NOW, later: () => undefined });
    conversation = new Conversation(backend, odysseus);
  });

  it('opens with its newest page', async () => {
    await conversation.load();
    expect(conversation.messages).toHaveLength(60);
    expect(conversation.newest?.id).toBe('m499');
    expect(conversation.more).toBe(true);
  });

  it('loads what is older until there is no more, each once', async () => {
    await conversation.load();
    while (conversation.more) await conversation.loadOlder();
    expect(conversation.messages.map(({ id }) => id)).toEqual(
      Array.from({ length: 500 }, (_, index) => `m${index}`),
    );
    await conversation.loadOlder();
    expect(conversation.messages).toHaveLength(500);
  });

  it('asks for an older page only once at a time', async () => {
    await conversation.load();
    await Promise.all([conversation.loadOlder(), conversation.loadOlder()]);
    expect(backend.calls.filter(({ method }) => method === 'message.list')).toHaveLength(2);
  });

  it('keeps what arrived while it was loading', async () => {
    const loading = conversation.load();
    conversation.take(
      message({ id: 'new', contact: odysseus, direction: 'in', sent_at: 0, received_at: NOW }),
    );
    await loading;
    expect(conversation.newest?.id).toBe('new');
  });

  it('changes a message in its place', async () => {
    await conversation.load();
    conversation.take(message({ id: 'm480', contact: odysseus, sent_at: 480, state: 'delivered' }));
    expect(conversation.messages[40]).toMatchObject({ id: 'm480', state: 'delivered' });
    expect(conversation.messages).toHaveLength(60);
  });

  it('does not let an update of what lies far above jump to the end', async () => {
    await conversation.load();
    conversation.take(message({ id: 'm3', contact: odysseus, sent_at: 3, state: 'read' }));
    expect(conversation.newest?.id).toBe('m499');
    expect(conversation.messages).toHaveLength(60);
  });

  it('sends the draft and shows it once, whichever of answer and event is first', async () => {
    await conversation.load();
    const unlisten = await backend.listen((event) => {
      if (event.type === 'message.updated') conversation.take(event.message);
    });
    conversation.draft = '  By event first  ';
    expect(await conversation.send(NOW)).toBe(true);
    unlisten();
    conversation.draft = 'By answer first';
    await conversation.send(NOW);
    const texts = conversation.messages.slice(-2).map(({ body }) => body.kind === 'text' && body.text);
    expect(texts).toEqual(['By event first', 'By answer first']);
    expect(conversation.messages).toHaveLength(62);
    expect(conversation.draft).toBe('');
  });

  it('keeps a draft that was refused, and what was typed on meanwhile', async () => {
    await conversation.load();
    backend.refuse('message.send', 'disk_full');
    conversation.draft = 'Dear to me';
    await expect(conversation.send(NOW)).rejects.toMatchObject({ code: 'disk_full' });
    expect(conversation.draft).toBe('Dear to me');
    const sending = conversation.send(NOW);
    expect(conversation.draft).toBe('');
    conversation.draft = 'And more';
    await sending;
    expect(conversation.draft).toBe('And more');
    backend.refuse('message.send', 'disk_full');
    const refused = conversation.send(NOW);
    conversation.draft = 'and yet more';
    await expect(refused).rejects.toMatchObject({ code: 'disk_full' });
    expect(conversation.draft).toBe('And more\nand yet more');
  });

  it('sends nothing that is empty, and nothing twice', async () => {
    conversation.draft = ' \n ';
    expect(await conversation.send(NOW)).toBe(false);
    conversation.draft = 'Once';
    const sent = await Promise.all([conversation.send(NOW), conversation.send(NOW)]);
    expect(sent).toEqual([true, false]);
    expect(backend.calls.filter(({ method }) => method === 'message.send')).toHaveLength(1);
  });

  it('marks read up to the newest that came', async () => {
    await conversation.load();
    conversation.take(message({ id: 'theirs', contact: odysseus, direction: 'in', sent_at: NOW }));
    conversation.take(message({ id: 'mine', contact: odysseus, sent_at: NOW }));
    await conversation.markRead();
    expect(backend.calls.at(-1)).toEqual({
      method: 'message.mark_read',
      params: { contact: odysseus, up_to: 'theirs' },
    });
  });
});

describe('the session', () => {
  it('begins locked on a fresh machine', async () => {
    const { app } = await started(emptyWorld());
    expect(app.session.phase).toBe('locked');
    expect(app.session.version).toBe('0.1.0');
  });

  it('finds itself unlocked when the window is opened anew', async () => {
    const { app } = await started(fullWorld(NOW));
    expect(app.session.phase).toBe('unlocked');
    expect(app.contacts.conversations[0]?.nickname).toBe('Odysseus');
    expect(app.contacts.requests).toHaveLength(2);
    expect(app.conversations.preview(odysseus)?.body).toMatchObject({
      text: 'I will be there before the light.',
    });
  });

  it('enters with a new account', async () => {
    const { app } = await started(emptyWorld());
    await app.session.create('Ada', 'seven words of which nobody can think');
    expect(app.session.phase).toBe('unlocked');
    expect(app.session.account?.nickname).toBe('Ada');
  });

  it('asks before it goes on with an account that the network does not know', async () => {
    const { app } = await started(emptyWorld());
    await app.session.unlock('Adda', 'typo', 'restore');
    expect(app.session.phase).toBe('asking');
    expect(app.session.known).toBe(false);
    await app.session.confirmNew();
    expect(app.session.phase).toBe('unlocked');
  });

  it('says so when nobody could be asked', async () => {
    const { app } = await started({ ...emptyWorld(), network: onlineNetwork(0) });
    await app.session.unlock('Ada', 'else', 'restore');
    expect(app.session.known).toBe('unreachable');
    await app.leave('sign-in');
    expect(app.session.phase).toBe('locked');
    expect(app.session.account).toBeNull();
  });

  it('forgets all that was shown when it is locked', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    app.navigation.open(odysseus);
    app.conversations.with(odysseus).draft = 'secret';
    app.navigation.search = 'secret';
    await app.leave('sign-in');
    expect(backend.world.state).toBe('locked');
    expect(app.session).toMatchObject({ phase: 'locked', account: null });
    expect(app.contacts.conversations).toEqual([]);
    expect(app.conversations.with(odysseus).draft).toBe('');
    expect(app.conversations.preview(odysseus)).toBeUndefined();
    expect(app.transfers.get('transfer-0')).toBeUndefined();
    expect(app.network.status).toBeNull();
    expect(app.navigation).toMatchObject({ entry: 'sign-in', screen: { name: 'empty' }, search: '' });
  });

  it('stays open when locking is refused, and says so', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    backend.refuse('account.lock', 'internal');
    await app.leave();
    expect(app.session.phase).toBe('unlocked');
    expect(app.notices.list).toHaveLength(1);
  });

  it('goes to the door when the core has locked by itself', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    backend.refuse('contact.verify', 'locked');
    await app.attempt(() => app.contacts.verify(odysseus, true));
    expect(app.session.phase).toBe('locked');
    expect(app.navigation.entry).toBe('sign-in');
  });

  it('leaves the sandbox by ending it', async () => {
    const { app, backend } = await started(emptyWorld());
    await app.session.startSandbox();
    expect(app.session).toMatchObject({ phase: 'unlocked', sandbox: true });
    expect(app.contacts.conversations.map(({ nickname }) => nickname)).toEqual(['Echo', 'Note to self']);
    await app.leave();
    expect(backend.calls.at(-1)?.method).toBe('sandbox_stop');
    expect(app.session).toMatchObject({ phase: 'locked', sandbox: false });
  });

  it('shows progress of the key, and none afterwards', async () => {
    const backend = new MockBackend({ later: (_, action) => action(), derivationMs: 1 });
    const app = new AppState(backend, ['en']);
    await app.start();
    const seen: number[] = [];
    await backend.listen((event) => {
      if (event.type === 'progress') seen.push(app.session.progress?.done ?? -1);
    });
    await app.session.create('Ada', 'seven words of which nobody can think');
    expect(seen).toEqual(Array.from({ length: 20 }, (_, done) => done));
    expect(app.session.progress).toBeNull();
    app.stop();
  });

  it('says why it cannot start', async () => {
    const backend = new MockBackend();
    backend.refuse('app_info', 'internal');
    const app = new AppState(backend, ['en']);
    await app.start();
    app.stop();
    expect(app.startError).toBe('internal');
  });
});

describe('events', () => {
  it('bring messages, contacts, transfers and the network to the screen', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    backend.receive(odysseus, 'News');
    expect(app.conversations.preview(odysseus)?.body).toMatchObject({ text: 'News' });
    expect(app.contacts.get(odysseus)?.unread).toBe(1);

    backend.emit({ type: 'contact.request', contact: contact({ nickname: 'Nausicaa', state: 'incoming' }) });
    expect(app.contacts.requests).toHaveLength(3);

    const transfer = app.transfers.get('transfer-0');
    if (transfer) backend.emit({ type: 'transfer.updated', transfer: { ...transfer, done: 1e9 } });
    expect(app.transfers.get('transfer-0')?.done).toBe(1e9);

    backend.emit({ type: 'network.updated', status: onlineNetwork(0) });
    expect(app.network.connection).toBe('offline');
  });

  it('take the account over', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    backend.emit({ type: 'account.superseded' });
    expect(app.session.phase).toBe('superseded');
  });

  it('are heard no more once the window goes', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    app.stop();
    backend.emit({ type: 'account.superseded' });
    expect(app.session.phase).toBe('unlocked');
  });

  it('that this version does not know change nothing', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    backend.emit({ type: 'message.sung' } as never);
    expect(app.session.phase).toBe('unlocked');
  });
});

describe('contacts', () => {
  it('are removed with what was shown of them', async () => {
    const { app } = await started(fullWorld(NOW));
    app.navigation.open(odysseus);
    await app.remove(odysseus);
    expect(app.contacts.get(odysseus)).toBeUndefined();
    expect(app.conversations.preview(odysseus)).toBeUndefined();
    expect(app.navigation.screen).toEqual({ name: 'empty' });
  });

  it('are asked without the blanks that pasting brings, and without an empty greeting', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    const address = mockAddress('Nausicaa');
    await app.contacts.add(` ${address}\n`, '  ');
    const asked = backend.calls.filter(({ method }) => method === 'contact.add');
    expect(asked).toEqual([{ method: 'contact.add', params: { address } }]);
  });

  it('leave the requests when they are accepted or declined', async () => {
    const { app } = await started(fullWorld(NOW));
    const [first, second] = app.contacts.requests;
    await app.contacts.accept(first?.address ?? '');
    await app.contacts.decline(second?.address ?? '');
    expect(app.contacts.requests).toEqual([]);
    const shown = app.contacts.conversations.map(({ address }) => address);
    expect(shown).toContain(first?.address);
    expect(shown).not.toContain(second?.address);
  });
});

describe('files', () => {
  it('are offered once one is chosen', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    expect(await app.transfers.send(odysseus)).toBe(true);
    expect(backend.calls.at(-1)).toEqual({
      method: 'file.send',
      params: { contact: odysseus, path: '/home/ada/map-of-ithaca.pdf' },
    });
  });

  it('are saved where the person says, under the name they came with', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    const transfer = app.transfers.get('transfer-0');
    if (transfer) await app.transfers.save(transfer);
    expect(backend.calls.slice(-2)).toEqual([
      { method: 'pick_save', params: { suggested_name: 'north-cove-survey.tif' } },
      { method: 'file.save', params: { id: 'transfer-0', path: '/home/ada/north-cove-survey.tif' } },
    ]);
  });
});

describe('a refusal', () => {
  it('is said in the words of the person, by its code', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    backend.refuse('file.accept', 'disk_full');
    expect(await app.attempt(() => app.transfers.accept('transfer-0'))).toBe(false);
    expect(app.notices.list.map(({ text }) => text)).toEqual([app.i18n.t('error.disk_full')]);
  });

  it('has words for every code, and for what is no code', async () => {
    const { app } = await started(emptyWorld());
    expect(app.explainError({ code: 'of_tomorrow', message: 'x' })).toBe(app.i18n.t('error.internal'));
    expect(app.explainError(new TypeError('x'))).toBe(app.i18n.t('error.internal'));
  });

  it('is not said over and over', async () => {
    const { app } = await started(emptyWorld());
    for (let time = 0; time < 9; time++) app.notices.show('The same', 'error');
    expect(app.notices.list).toHaveLength(1);
    for (let time = 0; time < 9; time++) app.notices.show(`Another ${time}`);
    expect(app.notices.list).toHaveLength(3);
  });
});

describe('settings', () => {
  it('change the language at once and keep it in the account', async () => {
    const { app, backend } = await started(fullWorld(NOW));
    await app.settings.choose({ language: 'de' });
    expect(app.i18n.t('action.close')).toBe('Schließen');
    expect(backend.world.settings).toMatchObject({ theme: 'system', language: 'de' });
    await app.settings.choose({ theme: 'dark' });
    expect(app.settings.theme).toBe('dark');
  });
});

describe('keys', () => {
  const press = (key: string, more: KeyboardEventInit = {}): string | undefined =>
    shortcutFor(new KeyboardEvent('keydown', { key, ...more }))?.label;

  it('mean what the list says', () => {
    expect(press('k', { ctrlKey: true })).toBe('shortcut.palette');
    expect(press('F', { ctrlKey: true, shiftKey: true })).toBe('shortcut.search');
    expect(press('f', { ctrlKey: true })).toBe('shortcut.find');
    expect(press('l', { metaKey: true })).toBe('shortcut.lock');
    expect(press('N', { ctrlKey: true, shiftKey: true })).toBe('shortcut.network');
    expect(press('/', { ctrlKey: true, shiftKey: true })).toBe('shortcut.sheet');
    expect(press('ArrowDown', { altKey: true })).toBe('shortcut.next');
    expect(press('Escape')).toBe('shortcut.close');
  });

  it('mean nothing while one types', () => {
    expect(press('k')).toBeUndefined();
    expect(press('Escape', { isComposing: true })).toBeUndefined();
    expect(press('K', { ctrlKey: true, altKey: true })).toBeUndefined();
  });

  it('are each taken once', () => {
    expect(new Set(shortcuts.map(({ keys }) => keys)).size).toBe(shortcuts.length);
    expect(keyNames('Control+ArrowUp')).toEqual(['Ctrl', '↑']);
  });

  it('step through the conversations and round again', async () => {
    const { app } = await started(fullWorld(NOW));
    const list = app.contacts.conversations.map(({ address }) => address);
    const run = (label: string): void => shortcuts.find((shortcut) => shortcut.label === label)?.run(app);
    run('shortcut.next');
    expect(app.navigation.contact).toBe(list[0]);
    run('shortcut.previous');
    expect(app.navigation.contact).toBe(list.at(-1));
    run('shortcut.next');
    expect(app.navigation.contact).toBe(list[0]);
  });

  it('close one thing after another', async () => {
    const { app } = await started(fullWorld(NOW));
    const { navigation } = app;
    navigation.open(odysseus);
    navigation.toggleDetails();
    navigation.search = 'x';
    navigation.show({ name: 'shortcuts' });
    navigation.close();
    expect(navigation.overlay).toBeNull();
    navigation.close();
    expect(navigation.details).toBe(false);
    navigation.close();
    expect(navigation.search).toBe('');
    navigation.close();
    expect(navigation.screen).toEqual({ name: 'empty' });
  });
});
