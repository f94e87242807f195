/** What is begun to be written outlives looking away, a lock and a restart. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MockBackend } from '$lib/api/mock';
import { fullWorld, mockAddress } from '$lib/api/mock/world';
import { AppState } from '$lib/state/app.svelte';
import { pastedPicture } from '$lib/state/transfers.svelte';
import { settled } from './made';

const NOW = new Date(2026, 10, 22, 12).getTime();
const odysseus = mockAddress('Odysseus');
let backend: MockBackend;
let app: AppState;

beforeEach(async () => {
  backend = new MockBackend({ world: fullWorld(NOW), now: () => NOW, later: () => undefined });
  app = new AppState(backend, ['en-GB']);
  await app.start();
  await settled();
  app.stop();
});

const asked = (method: string): unknown[] =>
  backend.calls.filter((call) => call.method === method).map(({ params }) => params);

describe('a draft', () => {
  it('is there again after a restart', async () => {
    const conversation = app.conversations.with(odysseus);
    await conversation.recall();
    conversation.draft = 'Half a thought';
    await app.leave();
    expect(backend.world.drafts.get(odysseus)).toBe('Half a thought');
    const again = new AppState(backend, ['en-GB']).conversations.with(odysseus);
    await again.recall();
    expect(again.draft).toBe('Half a thought');
  });

  it('is kept once the hand rests, and once', async () => {
    vi.useFakeTimers();
    const conversation = app.conversations.with(odysseus);
    await conversation.recall();
    for (const letter of 'thought') {
      conversation.draft += letter;
      conversation.wrote();
      vi.advanceTimersByTime(100);
    }
    await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    expect(asked('conversation.draft')).toEqual([
      { contact: odysseus },
      { contact: odysseus, text: 'thought' },
    ]);
  });

  it('is gone once it was sent', async () => {
    backend.world.drafts.set(odysseus, 'Nobody.');
    const conversation = app.conversations.with(odysseus);
    await conversation.recall();
    expect(conversation.draft).toBe('Nobody.');
    await conversation.send(NOW);
    expect(backend.world.drafts.get(odysseus)).toBe('');
  });

  it('does not take the place of what is being written', async () => {
    backend.world.drafts.set(odysseus, 'Old');
    const conversation = app.conversations.with(odysseus);
    conversation.draft = 'New';
    await conversation.keep();
    expect(backend.world.drafts.get(odysseus)).toBe('Old');
    await conversation.recall();
    expect(conversation.draft).toBe('New');
  });

  it('is not an edit, which is another message', async () => {
    const conversation = app.conversations.with(odysseus);
    await Promise.all([conversation.load(), conversation.recall()]);
    conversation.draft = 'Half a thought';
    const mine = conversation.lastOwnText();
    if (!mine) throw new Error('nothing was said');
    conversation.edit(mine);
    await conversation.keep();
    expect(backend.world.drafts.get(odysseus)).toBe('Half a thought');
  });

  it('stands in the list before its conversation was opened', () => {
    const contact = app.contacts.get(odysseus);
    if (!contact) throw new Error('nobody there');
    expect(app.conversations.draft({ ...contact, draft: 'Half a thought' })).toBe('Half a thought');
    expect(app.conversations.draft(contact)).toBe('');
  });
});

describe('a pasted picture', () => {
  const clipboard = (file: File): DataTransfer => ({ files: [file] }) as unknown as DataTransfer;

  it('is handed over in pieces and sent under the name of its time', async () => {
    const bytes = new Uint8Array(1_000_000).fill(7);
    const file = new File([bytes], 'image.png', { type: 'image/png' });
    const picture = await pastedPicture(clipboard(file), new Date(Date.UTC(2026, 10, 22, 12)));
    if (!picture) throw new Error('no picture');
    expect(picture.preview.startsWith('data:image/png;base64,BwcH')).toBe(true);
    await app.transfers.sendPicture(odysseus, picture);
    expect(asked('file.put_bytes')).toHaveLength(3);
    expect(asked('file.send_bytes')).toEqual([
      { contact: odysseus, name: '2026-11-22 12.00.00.png', upload: expect.any(String) },
    ]);
    expect(app.transfers.all.find(({ name }) => name === '2026-11-22 12.00.00.png')?.size).toBe(1_000_000);
  });

  it('is nothing else: no other kind of file, and none too large to hand over', async () => {
    const svg = new File(['<svg/>'], 'x.svg', { type: 'image/svg+xml' });
    expect(await pastedPicture(clipboard(svg), new Date())).toBeNull();
    const large = new File([], 'x.png', { type: 'image/png' });
    Object.defineProperty(large, 'size', { value: 17_000_000 });
    expect(await pastedPicture(clipboard(large), new Date())).toBeNull();
    expect(await pastedPicture(null, new Date())).toBeNull();
  });
});
