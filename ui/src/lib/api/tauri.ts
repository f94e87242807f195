import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { BackendError, type Backend, type Drop } from './backend';
import type { Event } from './dto';
import type { Method, Params, Result } from './methods';

/** The real thing: forwards to the shell's commands. The only file that knows there is a shell. */
export class TauriBackend implements Backend {
  async call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    try {
      return await invoke<Result<M>>(method.replaceAll('.', '_'), { params });
    } catch (thrown) {
      throw BackendError.from(thrown);
    }
  }

  async listen(handler: (event: Event) => void): Promise<() => void> {
    return listen<Event>('outis', ({ payload }) => handler(payload));
  }

  async listenDrops(handler: (drop: Drop) => void): Promise<() => void> {
    const stops = await Promise.all([
      listen('tauri://drag-enter', () => handler({ kind: 'over' })),
      listen('tauri://drag-leave', () => handler({ kind: 'gone' })),
      listen<{ paths: string[] }>('tauri://drag-drop', ({ payload }) =>
        handler({ kind: 'dropped', paths: payload.paths }),
      ),
    ]);
    return () => stops.forEach((stop) => stop());
  }
}
