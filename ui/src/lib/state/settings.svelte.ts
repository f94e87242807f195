import type { Backend } from '$lib/api/backend';
import type { Settings, Theme } from '$lib/api/dto';
import type { I18nState } from './i18n.svelte';

/** Appearance and language. Kept inside the account, so before signing in the system's choice holds. */
export class SettingsState {
  theme = $state<Theme>('system');
  language = $state<string | null>(null);
  readonly #backend: Backend;
  readonly #i18n: I18nState;

  constructor(backend: Backend, i18n: I18nState) {
    this.#backend = backend;
    this.#i18n = i18n;
  }

  async load(): Promise<void> {
    this.#apply(await this.#backend.call('settings.get', {}));
  }

  async chooseTheme(theme: Theme): Promise<void> {
    this.#apply(await this.#backend.call('settings.set', { theme }));
  }

  async chooseLanguage(language: string | null): Promise<void> {
    this.#apply(await this.#backend.call('settings.set', { language }));
  }

  #apply(settings: Settings): void {
    this.theme = isTheme(settings.theme) ? settings.theme : 'system';
    this.language = settings.language ?? null;
    this.#i18n.choose(this.language);
  }
}

function isTheme(value: unknown): value is Theme {
  return value === 'system' || value === 'light' || value === 'dark';
}
