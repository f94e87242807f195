/** From the first start to the first message, and on, without a mouse. */
import { cleanup, configure, render, screen } from '@testing-library/svelte';
import { userEvent, type UserEvent } from '@testing-library/user-event';
import { afterEach, describe, expect, it } from 'vitest';
import App from '../src/App.svelte';
import { MockBackend } from '$lib/api/mock';
import { emptyWorld, fullWorld, mockAddress, type World } from '$lib/api/mock/world';

configure({ asyncUtilTimeout: 20_000 });
afterEach(cleanup);

const NOW = new Date(2026, 10, 22, 12).getTime();
const find = (id: string): Promise<HTMLElement> => screen.findByTestId(id);
const focused = (): string => (document.activeElement as HTMLElement | null)?.dataset['testid'] ?? '';

function start(world: World): { backend: MockBackend; keys: UserEvent } {
  const backend = new MockBackend({ world, now: () => NOW, later: () => undefined });
  render(App, { backend, locales: ['en-GB'] });
  return { backend, keys: userEvent.setup() };
}

/** Tab until the focus is on this one; a page of which it cannot be reached fails. */
async function tabTo(keys: UserEvent, id: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    if (focused() === id) return;
    await keys.tab();
  }
  throw new Error(`Tab never comes to ${id}`);
}

describe('by key alone', () => {
  it('one makes an account, adds somebody and writes to them', async () => {
    const { backend, keys } = start(emptyWorld());
    await find('welcome');
    await tabTo(keys, 'welcome-create');
    await keys.keyboard('{Enter}');
    await find('create');
    expect(focused()).toBe('create-nickname');
    await keys.keyboard('Ada');
    await screen.findByText(/graphics cards would need/);
    await tabTo(keys, 'create-written-down');
    await keys.keyboard(' ');
    await tabTo(keys, 'create-submit');
    await keys.keyboard('{Enter}');
    await find('main');

    await keys.keyboard('{Control>}n{/Control}');
    await find('add-contact-page');
    await tabTo(keys, 'add-contact-address');
    const them = mockAddress('Nausicaa');
    await keys.keyboard(them);
    await keys.keyboard('{Enter}');
    await find('composer');
    expect(focused()).toBe('composer');
    await keys.keyboard('Hello from the shore{Enter}');
    expect(backend.calls.find(({ method }) => method === 'message.send')?.params).toEqual({
      contact: them,
      text: 'Hello from the shore',
    });
  });

  it('one goes to somebody by the palette, and back to where one was', async () => {
    const { keys } = start(fullWorld(NOW));
    await find('main');
    await keys.keyboard('{Control>}k{/Control}');
    expect((await find('palette')).contains(document.activeElement)).toBe(true);
    await keys.keyboard('{Escape}');
    expect(screen.queryByTestId('palette')).toBeNull();
    await keys.keyboard('{Control>}k{/Control}');
    await keys.keyboard('pen{Enter}');
    expect((await find('conversation')).dataset['address']).toBe(mockAddress('Penelope'));
    expect(focused()).toBe('composer');
  });

  it('one does by the palette what has no key', async () => {
    const { backend, keys } = start(fullWorld(NOW));
    await find('main');
    await keys.keyboard('{Control>}k{/Control}');
    await keys.keyboard('dark{Enter}');
    expect(backend.world.settings.theme).toBe('dark');
    await keys.keyboard('{Control>}k{/Control}');
    await keys.keyboard('storage{Enter}');
    await find('settings-page-storage');
  });

  it('one edits what one said last, from an empty field, and leaves it be', async () => {
    const { backend, keys } = start(fullWorld(NOW));
    await find('main');
    await keys.keyboard('{Control>}k{/Control}');
    await keys.keyboard('odysseus{Enter}');
    await find('composer');
    await keys.keyboard('{ArrowUp}');
    await find('composer-editing');
    expect(await find('composer')).toHaveProperty('value', 'I will be there before the light.');
    await keys.keyboard('{Escape}');
    expect(await find('composer')).toHaveProperty('value', '');
    await keys.keyboard('{ArrowUp}');
    await keys.keyboard(' Truly.{Enter}');
    expect(backend.calls.findLast(({ method }) => method === 'message.edit')?.params).toMatchObject({
      text: 'I will be there before the light. Truly.',
    });
  });

  it('a question is left by Escape, back to what asked it', async () => {
    const { backend, keys } = start(fullWorld(NOW));
    await find('main');
    await keys.keyboard('{Control>}k{/Control}');
    await keys.keyboard('settings account{Enter}');
    await find('settings-page-account');
    await tabTo(keys, 'settings-password');
    await keys.keyboard('{Enter}');
    await find('password-dialog');
    await keys.keyboard('{Escape}');
    expect(screen.queryByTestId('password-dialog')).toBeNull();
    expect(focused()).toBe('settings-password');
    expect(backend.calls.some(({ method }) => method === 'account.change_password')).toBe(false);
  });
});
