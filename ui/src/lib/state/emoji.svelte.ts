import { QUICK } from '$lib/emoji/emoji';

/** The emoji one used last, until the window closes: what one likes is nobody's business. */
export class EmojiState {
  recent = $state.raw<readonly string[]>(QUICK);

  used(sign: string): void {
    this.recent = [sign, ...this.recent.filter((known) => known !== sign)].slice(0, MOST);
  }

  clear(): void {
    this.recent = QUICK;
  }
}

const MOST = 18;
