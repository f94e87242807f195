/** Every screen and everything that opens over one, held against axe. Contrast is measured in `contrast.test.ts`. */
import { cleanup, configure, fireEvent, render, screen } from '@testing-library/svelte';
import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import type { Component } from 'svelte';
import App from '../src/App.svelte';
import MessageBubble from '$components/conversation/MessageBubble.svelte';
import type { Message } from '$lib/api/dto';
import { MockBackend } from '$lib/api/mock';
import { emptyWorld, fullWorld, mockAddress, onlineNetwork, type World } from '$lib/api/mock/world';
import { AppState } from '$lib/state/app.svelte';
import { SECTIONS } from '$lib/state/navigation.svelte';
import Harness from './Harness.svelte';
import { message } from './made';

configure({ asyncUtilTimeout: 20_000 });
afterEach(cleanup);

const NOW = new Date(2026, 10, 22, 12).getTime();
const find = (id: string): Promise<HTMLElement> => screen.findByTestId(id);
const click =
  (...ids: string[]) =>
  async (): Promise<void> => {
    for (const id of ids) await fireEvent.click(await find(id));
  };
/** By name, through the palette: lists draw nothing where there is no layout. */
const open =
  (who: string, ...then: string[]) =>
  async (): Promise<void> => {
    await press('k', { ctrlKey: true })();
    await fireEvent.input(await find('palette-query'), { target: { value: who } });
    await fireEvent.keyDown(await find('palette-query'), { key: 'Enter' });
    expect((await find('conversation')).dataset['address']).toBe(
      mockAddress(who === 'One Eye' ? 'Polyphemus' : who),
    );
    await click(...then)();
  };
const press = (key: string, more: KeyboardEventInit) => async (): Promise<void> => {
  await find('main');
  await fireEvent.keyDown(window, { key, ...more });
};
const section = (name: string) => async (): Promise<void> => {
  await click('settings')();
  const button = document.querySelector(`[data-testid="settings-section"][data-section="${name}"]`);
  if (button) await fireEvent.click(button);
  await find(`settings-page-${name}`);
};

/** Violations that keep somebody out. */
async function violations(): Promise<string[]> {
  const found = await axe.run(document.documentElement, {
    resultTypes: ['violations'],
    // There is no layout here: what needs one is looked at in a browser (`npm run look`).
    rules: { 'color-contrast': { enabled: false }, 'target-size': { enabled: false } },
  });
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical' || impact === 'moderate')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

function start(world: World): MockBackend {
  document.documentElement.lang = 'en';
  document.title = 'Outis';
  const backend = new MockBackend({ world, now: () => NOW, later: () => undefined });
  render(App, { backend, locales: ['en-GB'] });
  return backend;
}

const OUTSIDE: [screen: string, go: () => Promise<void>][] = [
  ['welcome', async () => void (await find('welcome'))],
  ['create', click('welcome-create')],
  ['sign in', click('welcome-sign-in')],
  ['import', click('welcome-sign-in', 'sign-in-import')],
];

const INSIDE: [screen: string, go: () => Promise<void>][] = [
  ['the empty room', async () => void (await find('main'))],
  ['a conversation', open('Odysseus')],
  ['a conversation with files', open('Penelope')],
  ['a conversation in trouble', open('Telemachus')],
  ['a conversation with tricks', open('Circe\u202Egnp.exe')],
  ['a request of ours', open('Calypso')],
  ['somebody blocked', open('One Eye')],
  ['the details', open('Odysseus', 'details-toggle')],
  ['a code to scan', open('Odysseus', 'details-toggle', 'details-qr')],
  ['shared files', open('Penelope', 'details-toggle', 'details-files')],
  ['blocking somebody', open('Odysseus', 'details-toggle', 'details-block')],
  ['removing somebody', open('Odysseus', 'details-toggle', 'details-remove')],
  ['searching a conversation', open('Odysseus', 'find-toggle')],
  ['a date', open('Odysseus', 'find-toggle', 'find-date')],
  ['the emoji', open('Odysseus', 'composer-emoji', 'emoji-search')],
  ['adding somebody', click('add-contact')],
  ['requests', click('requests-banner')],
  ['transfers', click('transfers')],
  ['the network', click('network-state')],
  ['the palette', press('k', { ctrlKey: true })],
  ['the shortcuts', press('/', { ctrlKey: true })],
  ['changing the passphrase', click('settings', 'settings-password')],
  ['deleting the account', click('settings', 'settings-delete')],
  ...SECTIONS.map((name): [string, () => Promise<void>] => [`settings: ${name}`, section(name)]),
];

describe('axe finds nothing that keeps anybody out', () => {
  it.each(OUTSIDE)('of %s', async (_, go) => {
    start(emptyWorld());
    await go();
    expect(await violations()).toEqual([]);
  });

  it.each(INSIDE)('of %s', async (_, go) => {
    start(fullWorld(NOW));
    await go();
    expect(await violations()).toEqual([]);
  });

  it('of the network without relays', async () => {
    start({ ...fullWorld(NOW), network: onlineNetwork(0) });
    await click('network-state')();
    expect(await violations()).toEqual([]);
  });

  it.each<[string, Partial<Message>]>([
    [
      'what they wrote',
      { direction: 'in', body: { kind: 'text', text: 'See https://example.org, \u202Eodd' } },
    ],
    ['an answer, with reactions', { reply_to: 'other', reactions: [{ emoji: '👍', direction: 'in' }] }],
    ['one that is late', { state: 'queued' }],
    ['one that was edited', { state: 'read', edited_at: NOW }],
    ['one that was deleted', { body: { kind: 'deleted' } }],
    ['a file', { body: { kind: 'file', transfer: 't', name: 'a.pdf', size: 5 } }],
    ['one from a newer version', { body: { kind: 'unsupported' } }],
  ])('of a message: %s', async (_, more) => {
    const app = new AppState(new MockBackend({ world: emptyWorld() }), ['en-GB']);
    const conversation = app.conversations.with(mockAddress('Odysseus'));
    conversation.selected.add('other');
    const props = { message: message(more), newest: true, senderName: 'Odysseus', conversation };
    const position = { first: true, last: true };
    for (const choosing of [false, true]) {
      if (!choosing) conversation.selected.clear();
      else conversation.selected.add('other');
      const room = document.createElement('main');
      room.append(document.createElement('h1'));
      room.firstElementChild?.append('A room');
      document.body.append(room);
      render(Harness as unknown as Component<Record<string, unknown>>, {
        target: room,
        props: { app, component: MessageBubble, with: { ...props, position } },
      });
      expect(await violations()).toEqual([]);
      cleanup();
      document.body.replaceChildren();
    }
  });

  it('and finds it where there is something', async () => {
    start(emptyWorld());
    await find('welcome');
    document.body.append(document.createElement('button'));
    expect((await violations()).join()).toContain('button-name');
    document.body.lastElementChild?.remove();
  });
});
