import { cleanup, configure, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it } from 'vitest';
import App from '../src/App.svelte';
import { MockBackend } from '$lib/api/mock';
import { emptyWorld, fullWorld, mockAddress, onlineNetwork, type World } from '$lib/api/mock/world';

// A busy machine is no failure.
configure({ asyncUtilTimeout: 20_000 });

const NOW = new Date(2026, 10, 22, 12).getTime();

function open(world: World): MockBackend {
  const backend = new MockBackend({ world, now: () => NOW, later: () => undefined });
  render(App, { backend, locales: ['en-GB'] });
  return backend;
}

const find = (id: string): Promise<HTMLElement> => screen.findByTestId(id);
const press = async (id: string): Promise<void> => void (await fireEvent.click(await find(id)));
const type = async (id: string, value: string): Promise<void> => {
  await fireEvent.input(await find(id), { target: { value } });
};

afterEach(cleanup);

describe('a first start', () => {
  it('leads from nothing to the room', async () => {
    const backend = open(emptyWorld());
    await press('welcome-create');
    await type('create-nickname', 'Ada');
    expect(await find('create-submit')).toHaveProperty('disabled', true);
    await waitFor(async () => expect((await find('create-strength')).dataset['acceptable']).toBe('true'));
    await press('create-written-down');
    await press('create-submit');
    await find('main');
    expect(backend.calls.find(({ method }) => method === 'account.create')?.params).toEqual({
      nickname: 'Ada',
      password: 'gravel ordinary tuna whisper cabin laptop zebra',
    });
  });

  it('does not let somebody in who has not written it down', async () => {
    open(emptyWorld());
    await press('welcome-create');
    await type('create-nickname', 'Ada');
    await waitFor(async () => expect((await find('create-strength')).dataset['acceptable']).toBe('true'));
    expect(await find('create-submit')).toHaveProperty('disabled', true);
  });

  it('takes the tick back when another passphrase is suggested', async () => {
    open(emptyWorld());
    await press('welcome-create');
    await press('create-written-down');
    await press('create-suggest');
    await waitFor(async () => expect(await find('create-written-down')).toHaveProperty('checked', false));
  });

  it('says of a nickname what is wrong with it', async () => {
    const backend = open(emptyWorld());
    await press('welcome-create');
    await type('create-nickname', 'a\u202Eb');
    await waitFor(async () => expect((await find('create-strength')).dataset['acceptable']).toBe('true'));
    await press('create-written-down');
    backend.refuse('account.create', 'nickname_invalid');
    await press('create-submit');
    expect((await find('create-nickname-error')).textContent).toMatch(/1 to 32 letters/);
  });
});

describe('signing in', () => {
  async function signIn(nickname: string, passphrase: string): Promise<void> {
    await press('welcome-sign-in');
    await type('sign-in-nickname', nickname);
    await type('sign-in-passphrase', passphrase);
    await press('sign-in-submit');
  }

  it('opens the account of this computer', async () => {
    const world = emptyWorld();
    open(world);
    await signIn('Ada', world.password);
    await find('main');
  });

  it('offers to bring an account from elsewhere, and asks once more about one that nobody knows', async () => {
    open(emptyWorld());
    await signIn('Adda', 'typo');
    await press('sign-in-restore');
    expect((await find('confirm-new-address')).textContent).toBe(mockAddress('Adda'));
    await press('confirm-new-back');
    await find('sign-in');
  });

  it('offers to begin again where the container is damaged', async () => {
    const world = emptyWorld();
    const backend = open(world);
    backend.refuse('account.unlock', 'container_damaged');
    await signIn('Ada', world.password);
    expect((await find('sign-in-error')).textContent).toMatch(/damaged/);
    await press('sign-in-start-over');
    await find('main');
    expect(backend.calls.find(({ method }) => method === 'account.start_over')?.params).toEqual({
      nickname: 'Ada',
      password: world.password,
    });
  });

  it('tells other troubles apart from wrong words', async () => {
    const backend = open(emptyWorld());
    backend.refuse('account.unlock', 'container_in_use');
    await signIn('Ada', 'x');
    expect((await find('sign-in-error')).textContent).toMatch(/another window/);
    expect(screen.queryByTestId('sign-in-unknown')).toBeNull();
  });
});

describe('the room', () => {
  it('shows strangers first, with what they wrote, and lets them in', async () => {
    const backend = open(fullWorld(NOW));
    await press('requests-banner');
    const [nestor, eumaeus] = await screen.findAllByTestId('request');
    if (!nestor || !eumaeus) throw new Error('no requests');
    expect(within(nestor).getByTestId('request-greeting').textContent).toContain('news from Pylos');
    expect(within(nestor).queryByTestId('request-returning')).toBeNull();
    expect(within(eumaeus).getByTestId('request-returning')).toBeTruthy();
    await fireEvent.click(within(nestor).getByTestId('request-accept'));
    expect((await find('conversation')).dataset['address']).toBe(mockAddress('Nestor of sandy Pylos'));
    expect(backend.world.contacts.get(mockAddress('Nestor of sandy Pylos'))?.state).toBe('accepted');
  });

  it.each([
    ['hello', 'begins with outis1'],
    ['', 'Paste an address first'],
  ])('says of the address %j that it %s', async (address, reason) => {
    open(fullWorld(NOW));
    await press('add-contact');
    await type('add-contact-address', address);
    await press('add-contact-submit');
    expect((await find('add-contact-address-error')).textContent).toContain(reason);
  });

  it('does not make one a contact of oneself', async () => {
    const world = fullWorld(NOW);
    open(world);
    await press('add-contact');
    expect((await find('my-address')).textContent).toBe(world.me.address);
    await type('add-contact-address', world.me.address);
    await press('add-contact-submit');
    expect((await find('add-contact-address-error')).textContent).toContain('your own address');
  });

  it('shows the code of the invite as a picture, never as markup', async () => {
    open(fullWorld(NOW));
    await press('add-contact');
    const picture = await find('my-qr');
    expect(picture.tagName).toBe('IMG');
    expect(picture.getAttribute('src')).toMatch(/^data:image\/svg\+xml/);
  });

  it('says of the network what is so', async () => {
    open(fullWorld(NOW));
    expect((await find('network-state')).dataset['state']).toBe('building');
    await press('network-state');
    expect((await find('network-page')).textContent).toMatch(/waits on this computer/);
    expect((await find('network-route')).dataset['hops']).toBe('0');
  });

  it('tells why nothing leaves, and leads to where that is mended', async () => {
    const backend = open({ ...fullWorld(NOW), network: onlineNetwork(2) });
    expect((await find('network-banner')).textContent).toMatch(/Only 2 relays/);
    await press('network-banner-action');
    await type('add-relay-address', 'not one');
    await press('add-relay-submit');
    await find('add-relay-address-error');
    await type('add-relay-address', ' /ip4/127.0.0.1/udp/4001/quic-v1/p2p/12D3 ');
    await press('add-relay-submit');
    await waitFor(() => expect(backend.world.network.relays_known).toBe(8));
    await waitFor(async () => expect((await find('network-state')).dataset['state']).toBe('building'));
  });

  it('is left by a key, and nothing of it stays on the page', async () => {
    open(fullWorld(NOW));
    await find('main');
    await fireEvent.keyDown(window, { key: 'l', ctrlKey: true });
    await find('sign-in');
    expect(document.body.textContent).not.toMatch(/Odysseus|Penelope|outis1/);
  });

  it('says when the account was opened elsewhere, and sends no more', async () => {
    const backend = open(fullWorld(NOW));
    await find('main');
    backend.emit({ type: 'account.superseded' });
    await find('superseded-banner');
    await fireEvent.keyDown(window, { key: 'ArrowDown', altKey: true });
    await find('composer-closed');
    expect(screen.queryByTestId('composer')).toBeNull();
  });

  it('marks the sandbox for as long as one is in it', async () => {
    open(emptyWorld());
    await press('welcome-sandbox');
    await find('sandbox-banner');
    await find('composer');
    await press('sandbox-leave');
    await find('welcome');
  });
});

describe('a conversation', () => {
  async function look(): Promise<MockBackend> {
    const backend = open(fullWorld(NOW));
    await find('main');
    await fireEvent.keyDown(window, { key: 'ArrowDown', altKey: true });
    await find('conversation');
    return backend;
  }

  it('sends by Enter, breaks the line by Shift and Enter', async () => {
    const backend = await look();
    await type('composer', 'Hello');
    await fireEvent.keyDown(await find('composer'), { key: 'Enter', shiftKey: true });
    expect(backend.calls.some(({ method }) => method === 'message.send')).toBe(false);
    await fireEvent.keyDown(await find('composer'), { key: 'Enter' });
    await waitFor(() =>
      expect(backend.calls.find(({ method }) => method === 'message.send')?.params).toEqual({
        contact: mockAddress('Odysseus'),
        text: 'Hello',
      }),
    );
    await waitFor(async () => expect(await find('composer')).toHaveProperty('value', ''));
  });

  it('does not send a word that is still being composed', async () => {
    const backend = await look();
    await type('composer', 'に');
    await fireEvent.keyDown(await find('composer'), { key: 'Enter', isComposing: true });
    expect(backend.calls.some(({ method }) => method === 'message.send')).toBe(false);
  });

  it('refuses what is too long before it is sent, and keeps it', async () => {
    const backend = await look();
    await type('composer', 'é'.repeat(32_769));
    expect(await find('composer-send')).toHaveProperty('disabled', true);
    await type('composer', 'é'.repeat(32_768));
    expect(await find('composer-send')).toHaveProperty('disabled', false);
    expect(backend.calls.some(({ method }) => method === 'message.send')).toBe(false);
  });

  it('asks before somebody is blocked, and then takes no more words', async () => {
    const backend = await look();
    await press('details-toggle');
    await press('details-block');
    await press('confirm-block-yes');
    await find('composer-closed');
    expect(backend.world.contacts.get(mockAddress('Odysseus'))?.state).toBe('blocked');
  });

  it('asks before somebody is removed', async () => {
    const backend = await look();
    await press('details-toggle');
    await press('details-remove');
    expect(backend.world.contacts.has(mockAddress('Odysseus'))).toBe(true);
    await press('confirm-remove-yes');
    await waitFor(() => expect(backend.world.contacts.has(mockAddress('Odysseus'))).toBe(false));
  });

  it('marks and unmarks a contact as verified, and renames them', async () => {
    const backend = await look();
    const odysseus = (): ReturnType<typeof backend.world.contacts.get> =>
      backend.world.contacts.get(mockAddress('Odysseus'));
    await press('details-toggle');
    expect(within(await find('safety-number')).getAllByRole('listitem')).toHaveLength(12);
    await press('details-unverify');
    await waitFor(() => expect(odysseus()?.verified).toBe(false));
    await press('details-verify');
    await waitFor(() => expect(odysseus()?.verified).toBe(true));
    await type('details-alias', 'Nobody');
    await press('details-rename');
    await waitFor(async () => expect((await find('conversation-name')).textContent).toContain('Nobody'));
  });
});
