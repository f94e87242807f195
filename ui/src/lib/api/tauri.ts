import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { BackendError, type Backend } from './backend';
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
}
