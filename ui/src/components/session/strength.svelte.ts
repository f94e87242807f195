import type { PasswordStrength } from '$lib/api/dto';
import type { SessionState } from '$lib/state/session.svelte';

/** The core's opinion of a passphrase while it is typed: asked once typing rests, late answers let go. */
export class Weighing {
  strength = $state.raw<PasswordStrength | null>(null);

  /** Call while drawing: it follows what `asked` reads. */
  constructor(session: SessionState, asked: () => { nickname: string; password: string }) {
    $effect(() => {
      const { nickname, password } = asked();
      this.strength = null;
      if (password === '') return;
      let late = false;
      const timer = setTimeout(async () => {
        const answer = await session.passwordStrength(nickname, password).catch(() => null);
        if (!late) this.strength = answer;
      }, 120);
      return () => {
        late = true;
        clearTimeout(timer);
      };
    });
  }

  get acceptable(): boolean {
    return this.strength?.acceptable ?? false;
  }
}
