import type { Backend } from '$lib/api/backend';
import type { ShellSettings } from '$lib/api/dto';
import type { I18nState } from './i18n.svelte';

/** The program around the page: the tray, the start with the system, and the words for what stands outside the page. */
export class ShellState {
  autostart = $state(false);
  /** Whether closing the window hides it in a tray. */
  tray = $state(false);
  readonly #backend: Backend;
  readonly #i18n: I18nState;

  constructor(backend: Backend, i18n: I18nState) {
    this.#backend = backend;
    this.#i18n = i18n;
  }

  async load(): Promise<void> {
    this.#apply(await this.#backend.call('shell_get', {}));
  }

  async startWithSystem(autostart: boolean): Promise<void> {
    this.#apply(await this.#backend.call('shell_set', { autostart }));
  }

  /** Tells the tray and notifications what they are called in the page's language. */
  async speak(): Promise<void> {
    const { t } = this.#i18n;
    await this.#backend.call('shell_words', {
      open: t('shell.open'),
      lock: t('shell.lock'),
      quit: t('shell.quit'),
      message: t('shell.message'),
      request: t('shell.request'),
      hidden: t('shell.hidden'),
    });
  }

  #apply({ autostart, tray }: ShellSettings): void {
    this.autostart = autostart;
    this.tray = tray;
  }
}
