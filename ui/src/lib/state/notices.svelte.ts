export type NoticeTone = 'plain' | 'error';

export interface Notice {
  id: number;
  text: string;
  tone: NoticeTone;
}

/** Short words at the edge of the window that go by themselves; errors stay longer. */
export class NoticesState {
  list = $state<Notice[]>([]);
  #next = 0;

  show(text: string, tone: NoticeTone = 'plain'): void {
    const id = this.#next++;
    this.list = [...this.list.filter((notice) => notice.text !== text), { id, text, tone }].slice(-MOST);
    setTimeout(() => this.dismiss(id), tone === 'error' ? ERROR_MS : PLAIN_MS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  clear(): void {
    this.list = [];
  }
}

const MOST = 3;
const PLAIN_MS = 3_000;
const ERROR_MS = 9_000;
