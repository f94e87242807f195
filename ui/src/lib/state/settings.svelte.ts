import type { Backend } from '$lib/api/backend';
import type { Notifications, Settings, SettingsChange, Theme } from '$lib/api/dto';
import type { I18nState } from './i18n.svelte';

/** What the person chose for the window. Kept inside the account, so before signing in the system's choice holds. */
export class SettingsState {
  theme = $state<Theme>('system');
  language = $state<string | null>(null);
  /** Percent. */
  textZoom = $state(100);
  reduceMotion = $state(false);
  /** Minutes, or null for never. */
  lockAfter = $state<number | null>(null);
  notifications = $state<Notifications>('plain');
  /** Bytes a second that files may take each way, or null. */
  fileRate = $state<number | null>(null);
  readonly #backend: Backend;
  readonly #i18n: I18nState;

  constructor(backend: Backend, i18n: I18nState) {
    this.#backend = backend;
    this.#i18n = i18n;
  }

  async load(): Promise<void> {
    this.#apply(await this.#backend.call('settings.get', {}));
  }

  async choose(change: SettingsChange): Promise<void> {
    this.#apply(await this.#backend.call('settings.set', change));
  }

  #apply(settings: Settings): void {
    this.theme = isTheme(settings.theme) ? settings.theme : 'system';
    this.language = settings.language ?? null;
    this.textZoom = settings.text_zoom ?? 100;
    this.reduceMotion = settings.reduce_motion ?? false;
    this.lockAfter = settings.lock_after ?? null;
    this.notifications = settings.notifications ?? 'plain';
    this.fileRate = settings.file_rate ?? null;
    this.#i18n.choose(this.language);
  }
}

function isTheme(value: unknown): value is Theme {
  return value === 'system' || value === 'light' || value === 'dark';
}
