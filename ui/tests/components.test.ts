import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import type { Component } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import ExplainDialog from '$components/conversation/ExplainDialog.svelte';
import FileCard from '$components/conversation/FileCard.svelte';
import LinkDialog from '$components/conversation/LinkDialog.svelte';
import MessageBubble from '$components/conversation/MessageBubble.svelte';
import NoticeRow from '$components/conversation/NoticeRow.svelte';
import { previewText } from '$components/sidebar/preview';
import type { Message, Transfer, TransferState } from '$lib/api/dto';
import { MockBackend } from '$lib/api/mock';
import { emptyWorld, mockAddress } from '$lib/api/mock/world';
import { AppState } from '$lib/state/app.svelte';
import { Conversation } from '$lib/state/conversation.svelte';
import { contact, message } from './made';
import Harness from './Harness.svelte';

function show<Props extends Record<string, unknown>>(
  component: Component<Props>,
  props: Props,
): { app: AppState; backend: MockBackend } {
  const backend = new MockBackend({ world: emptyWorld(), later: () => undefined });
  const app = new AppState(backend, ['en-GB']);
  render(Harness as unknown as Component<Record<string, unknown>>, { app, component, with: props });
  return { app, backend };
}

const bubble = (more: Partial<Message>): ReturnType<typeof show> =>
  show(MessageBubble, {
    message: message(more),
    position: { first: true, last: true },
    newest: true,
    senderName: 'Odysseus',
    conversation: new Conversation(new MockBackend(), mockAddress('Odysseus')),
  });
const notice = (said: Message): ReturnType<typeof show> =>
  show(NoticeRow, {
    row: { kind: 'message' as const, key: said.id, message: said, position: { first: true, last: true } },
    name: 'Odysseus',
    beginning: '',
  });
const saying = (text: string): Partial<Message> => ({ direction: 'in', body: { kind: 'text', text } });
const shown = (id: string): HTMLElement => screen.getByTestId(id);

afterEach(cleanup);

describe('a message', () => {
  it('is text, whatever it looks like', () => {
    const { app } = bubble(saying('<img src=x onerror=alert(1)> <b>bold</b> {@html 1}'));
    expect(shown('message').querySelector('img, b')).toBeNull();
    expect(shown('message').textContent).toContain('<img src=x onerror=alert(1)>');
    expect(app.navigation.overlay).toBeNull();
  });

  it('shows what would turn it round', () => {
    bubble(saying('exe.\u202Egnp'));
    expect(shown('message').textContent).toContain('U+202E');
    expect(shown('message').textContent).not.toContain('\u202E');
    expect(shown('message').querySelector('bdi')).not.toBeNull();
  });

  it('asks before a link is opened', async () => {
    const { app, backend } = bubble(saying('at https://example.org/x?'));
    await fireEvent.click(shown('message-link'));
    expect(app.navigation.overlay).toEqual({ name: 'link', url: 'https://example.org/x' });
    expect(shown('message').querySelector('a')).toBeNull();
    expect(backend.calls).toEqual([]);
  });

  it.each(['queued', 'stored', 'failed'] as const)(
    'says why it is not there while it is %s',
    async (state) => {
      const { app } = bubble({ id: 'late', state });
      await fireEvent.click(shown('message-why'));
      expect(app.navigation.overlay).toEqual({ name: 'explain', message: 'late' });
    },
  );

  it.each(['delivered', 'read'] as const)('explains nothing once it is %s', (state) => {
    bubble({ state });
    expect(screen.queryByTestId('message-why')).toBeNull();
    expect(shown('message').dataset['state']).toBe(state);
  });

  it('of a kind that this version does not know is no error', () => {
    bubble({ direction: 'in', body: { kind: 'unsupported' } });
    expect(shown('message').textContent).toContain('not supported by this version');
  });

  it('that is missing is said to be missing', () => {
    notice(message({ body: { kind: 'gap', count: 3 } }));
    expect(shown('message').textContent).toContain('3 messages are missing here');
  });

  it('that notes something unheard of shows what it is called', () => {
    notice(message({ body: { kind: 'note', note: 'moon_rose' } }));
    expect(shown('message').textContent).toContain('moon_rose');
  });
});

describe('a file', () => {
  const transfer = (more: Partial<Transfer>): Transfer => ({
    id: 't',
    contact: 'x',
    direction: 'in',
    name: 'a.pdf',
    folder: false,
    size: 1_000_000,
    done: 250_000,
    state: 'active',
    rate: 50_000,
    ...more,
  });
  const card = (more: Partial<Transfer>): ReturnType<typeof show> => {
    const made = transfer(more);
    return show(FileCard, { name: made.name, size: made.size, direction: made.direction, transfer: made });
  };
  const buttons = (): string[] =>
    within(shown('file-card'))
      .queryAllByRole('button')
      .map((button) => button.dataset['testid'] ?? '');

  it.each<[TransferState, 'in' | 'out', string[]]>([
    ['offered', 'in', ['file-accept', 'file-decline']],
    ['offered', 'out', ['file-cancel']],
    ['active', 'in', ['file-pause', 'file-cancel']],
    ['waiting', 'out', ['file-cancel']],
    ['paused', 'in', ['file-resume', 'file-cancel']],
    ['complete', 'in', ['file-save']],
    ['complete', 'out', []],
    ['declined', 'in', []],
    ['cancelled', 'out', []],
    ['failed', 'in', []],
  ])('that is %s (%s) offers what can be done with it', (state, direction, actions) => {
    card({ state, direction });
    expect(buttons()).toEqual(actions);
    expect(shown('file-card').dataset['state']).toBe(state);
    expect(shown('file-status').textContent.trim()).not.toBe('');
  });

  it('on its way says how far, how fast and how long', () => {
    card({});
    expect(
      shown('file-status').textContent.replace(/[\u2068\u2069\u00A0]/g, (sign) =>
        sign === '\u00A0' ? ' ' : '',
      ),
    ).toBe('250 kB of 1 MB · 50 kB/s · 15 secs left');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25');
  });

  it.each([
    ['paused', 'paused_there', 'Paused by them'],
    ['waiting', 'in_mailbox', 'Waits for them in mailboxes'],
    ['failed', 'changed', 'The file was changed since it was offered'],
  ] as const)('that is %s says why where the core knows: %s', (state, why, words) => {
    card({ state, why });
    expect(shown('file-status').textContent).toContain(words);
  });

  it('of which nothing is known yet can only be looked at', () => {
    show(FileCard, { name: 'a.pdf', size: 5, direction: 'in' as const, transfer: undefined });
    expect(shown('file-card').dataset['state']).toBe('unknown');
    expect(buttons()).toEqual([]);
  });

  it('shows a name that lies as what it is', () => {
    card({ name: 'invoice\u202Efdp.exe' });
    expect(shown('file-card').textContent).toContain('U+202E');
  });
});

describe('the question before a link', () => {
  it('names the host that is reached, and opens only when told to', async () => {
    const { app, backend } = show(LinkDialog, { url: 'https://\u0430pple.example/' });
    app.navigation.show({ name: 'link', url: 'https://\u0430pple.example/' });
    expect(shown('link-host').textContent).toBe('xn--pple-43d.example');
    expect(backend.calls).toEqual([]);
    await fireEvent.click(shown('link-open'));
    expect(backend.calls).toEqual([{ method: 'open_link', params: { url: 'https://\u0430pple.example/' } }]);
  });
});

describe('the flight record', () => {
  it('is in our words where we have them, else in the words of the core', async () => {
    const backend = new MockBackend({ world: emptyWorld() });
    backend.world.records.set('m', [
      { at: 1, step: 'queued', detail: 'it was written down' },
      { at: 2, step: 'stored', detail: `Stored by the mailbox 12D3KooW${'x'.repeat(38)}abcdef.` },
      { at: 3, step: 'carried_by_dove', detail: 'a dove has it' },
    ]);
    const app = new AppState(backend, ['en']);
    render(Harness as unknown as Component<Record<string, unknown>>, {
      app,
      component: ExplainDialog,
      with: { message: 'm' },
    });
    const steps = await screen.findAllByTestId('explain-step');
    expect(steps.map((step) => step.dataset['step'])).toEqual(['queued', 'stored', 'carried_by_dove']);
    expect(steps[0]?.textContent).toContain('Safe on this computer');
    expect(steps[1]?.textContent).toContain('abcdef');
    expect(steps[2]?.textContent).toContain('a dove has it');
  });
});

describe('the last line in the list', () => {
  const { i18n } = new AppState(new MockBackend(), ['en']);
  const line = (more: Partial<Message>): string => previewText(contact(), message(more), i18n);

  it('is one line, and safe', () => {
    expect(line(saying('one\n\ntwo \u202Ethree'))).toBe('one two ‹U+202E›three');
  });

  it('says whose it is and what it is', () => {
    expect(line({ body: { kind: 'text', text: 'Hello' } })).toBe('You: \u2068Hello\u2069');
    expect(line({ body: { kind: 'deleted' } })).toBe('Deleted message');
    expect(line({ body: { kind: 'gap', count: 2 } })).toBe('Messages missing');
  });

  it('of somebody who was blocked tells nothing of theirs', () => {
    expect(previewText(contact({ state: 'blocked' }), message(saying('loud')), i18n)).toBe('Blocked');
  });
});
