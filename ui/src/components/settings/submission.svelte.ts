import { useApp } from '$lib/state/app.svelte';
import type { Key } from '$lib/i18n/catalogue';

/** What a form in a dialog is at: it is sent once at a time, and says why it was refused. */
export class Submission {
  busy = $state(false);
  error = $state<string | null>(null);
  readonly #app = useApp();

  /** Sends the form. What the core refuses is shown in the form's own words. */
  async run(event: SubmitEvent, ready: boolean, action: () => Promise<void>): Promise<void> {
    event.preventDefault();
    if (!ready || this.busy) return;
    this.busy = true;
    this.error = null;
    try {
      await action();
    } catch (thrown) {
      this.error = this.#app.explainError(thrown, BETTER);
    } finally {
      this.busy = false;
    }
  }

  /** Closes the dialog, unless that would hide what is under way. */
  readonly close = (): void => {
    if (!this.busy) this.#app.navigation.close();
  };
}

/** Inside an account a wrong password is that alone. */
const BETTER: Partial<Record<string, Key>> = { wrong_credentials: 'settings.password.wrong' };
