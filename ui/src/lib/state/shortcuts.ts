import type { KeyUnder } from '$lib/i18n/catalogue';
import type { AppState } from './app.svelte';

/** A key and what it does. `keys` is as people read it; `aria-keyshortcuts` wants the same signs. */
export interface Shortcut {
  keys: string;
  label: `shortcut.${KeyUnder<'shortcut.'>}`;
  run: (app: AppState) => void;
}

/** Everything that a key does anywhere inside. */
export const shortcuts: readonly Shortcut[] = [
  {
    keys: 'Control+K',
    label: 'shortcut.palette',
    run: ({ navigation }) => navigation.show({ name: 'palette' }),
  },
  { keys: 'Control+Shift+F', label: 'shortcut.search', run: () => focusOn('sidebar-search') },
  { keys: 'Control+F', label: 'shortcut.find', run: (app) => find(app) },
  { keys: 'Control+N', label: 'shortcut.add', run: ({ navigation }) => navigation.go({ name: 'add' }) },
  {
    keys: 'Control+Shift+R',
    label: 'shortcut.requests',
    run: ({ navigation }) => navigation.go({ name: 'requests' }),
  },
  {
    keys: 'Control+Shift+N',
    label: 'shortcut.network',
    run: ({ navigation }) => navigation.go({ name: 'network' }),
  },
  {
    keys: 'Control+,',
    label: 'shortcut.settings',
    run: ({ navigation }) => navigation.settings(),
  },
  {
    keys: 'Control+J',
    label: 'shortcut.transfers',
    run: ({ navigation }) => navigation.go({ name: 'transfers' }),
  },
  { keys: 'Control+I', label: 'shortcut.details', run: ({ navigation }) => navigation.toggleDetails() },
  { keys: 'Control+O', label: 'shortcut.attach', run: (app) => void attach(app) },
  { keys: 'Control+E', label: 'shortcut.emoji', run: () => press('composer-emoji') },
  { keys: 'Control+End', label: 'shortcut.end', run: () => press('to-end') },
  { keys: 'Alt+ArrowUp', label: 'shortcut.previous', run: (app) => step(app, -1) },
  { keys: 'Alt+ArrowDown', label: 'shortcut.next', run: (app) => step(app, 1) },
  { keys: 'Control+L', label: 'shortcut.lock', run: (app) => void app.leave('sign-in') },
  {
    keys: 'Control+/',
    label: 'shortcut.sheet',
    run: ({ navigation }) => navigation.show({ name: 'shortcuts' }),
  },
  { keys: 'Escape', label: 'shortcut.close', run: ({ navigation }) => navigation.close() },
];

/** The shortcut that a key press means, if any. */
export function shortcutFor(event: KeyboardEvent): Shortcut | undefined {
  if (event.isComposing) return undefined;
  const pressed = keysOf(event);
  return shortcuts.find(({ keys }) => keys === pressed);
}

/** `Ctrl + K`, as on the keyboard. */
export function keyNames(keys: string): string[] {
  return keys.split('+').map((key) => KEY_NAMES[key] ?? key);
}

/** Asks for a file and sends it; images without what a camera wrote, unless they are to stay as they are. */
export async function attach(app: AppState, images: 'bare' | 'as they are' = 'bare'): Promise<void> {
  const contact = app.navigation.contact;
  if (contact !== null) await app.attempt(() => app.transfers.send(contact, images));
}

function keysOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const control = event.ctrlKey || event.metaKey;
  // On many layouts a sign such as "/" needs Shift: then Shift is part of the sign, not of the shortcut.
  const shift = event.shiftKey && (key.length > 1 || /\p{L}/u.test(key));
  return [control && 'Control', event.altKey && 'Alt', shift && 'Shift', key].filter(Boolean).join('+');
}

function step({ contacts, navigation }: AppState, by: 1 | -1): void {
  const list = contacts.conversations;
  if (list.length === 0) return;
  const at = list.findIndex((contact) => contact.address === navigation.contact);
  const next = at < 0 ? (by > 0 ? 0 : list.length - 1) : (at + by + list.length) % list.length;
  const contact = list[next];
  if (contact) navigation.open(contact.address);
}

function find({ navigation, conversations }: AppState): void {
  if (navigation.contact !== null) conversations.with(navigation.contact).find.open = true;
}

function press(testid: string): void {
  document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)?.click();
}

function focusOn(id: string): void {
  document.getElementById(id)?.focus();
}

const KEY_NAMES: Record<string, string> = {
  Control: 'Ctrl',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
  End: 'End',
};
