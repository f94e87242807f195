import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BackendError } from '$lib/api/backend';
import { TauriBackend } from '$lib/api/tauri';

const invoke = vi.hoisted(() => vi.fn());
const listen = vi.hoisted(() => vi.fn());
vi.mock('@tauri-apps/api/core', () => ({ invoke }));
vi.mock('@tauri-apps/api/event', () => ({ listen }));

describe('the shell behind the page', () => {
  beforeEach(() => vi.resetAllMocks());

  it('is asked by command, with the parameters as one', async () => {
    invoke.mockResolvedValue({ id: '7' });
    const params = { contact: 'outis1x', text: 'Hello' };
    expect(await new TauriBackend().call('message.send', params)).toEqual({ id: '7' });
    expect(invoke).toHaveBeenCalledWith('message_send', { params });
  });

  it('refuses with a code', async () => {
    invoke.mockRejectedValue({ code: 'disk_full', message: 'the disk is full' });
    const refused = new TauriBackend().call('contact.list', {});
    await expect(refused).rejects.toBeInstanceOf(BackendError);
    await expect(refused).rejects.toMatchObject({ code: 'disk_full', message: 'the disk is full' });
  });

  it('says of anything else that it is our fault', async () => {
    invoke.mockRejectedValue('command message_sing not found');
    await expect(new TauriBackend().call('contact.list', {})).rejects.toMatchObject({ code: 'internal' });
  });

  it('gives events on', async () => {
    const stop = vi.fn();
    listen.mockResolvedValue(stop);
    const handler = vi.fn();
    expect(await new TauriBackend().listen(handler)).toBe(stop);
    const [name, give] = listen.mock.calls[0] as [string, (event: { payload: unknown }) => void];
    give({ payload: { type: 'account.superseded' } });
    expect(name).toBe('outis');
    expect(handler).toHaveBeenCalledWith({ type: 'account.superseded' });
  });
});
