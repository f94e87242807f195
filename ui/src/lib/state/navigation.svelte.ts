import type { Picture } from './transfers.svelte';

/** Before one is in. */
export type Entry = 'welcome' | 'create' | 'sign-in' | 'import';

/** The middle of the window, once inside. */
export type Screen =
  | { name: 'empty' }
  | { name: 'conversation'; contact: string }
  | { name: 'add' }
  | { name: 'requests' }
  | { name: 'network' }
  | { name: 'transfers' }
  | { name: 'settings'; section: Section };

export const SECTIONS = [
  'account',
  'privacy',
  'notifications',
  'storage',
  'network',
  'appearance',
  'language',
  'shortcuts',
  'about',
] as const;

/** A page of the settings. */
export type Section = (typeof SECTIONS)[number];

/** What asks for an answer over everything else. */
export type Overlay =
  | { name: 'explain'; message: string }
  | { name: 'link'; url: string }
  | { name: 'picture'; contact: string; picture: Picture }
  | { name: 'remove'; contact: string }
  | { name: 'block'; contact: string }
  | { name: 'delete'; contact: string; messages: readonly string[]; own: boolean }
  | { name: 'date'; contact: string }
  | { name: 'qr'; contact: string }
  | { name: 'files'; contact: string }
  | { name: 'palette' }
  | { name: 'password' }
  | { name: 'delete-account' }
  | { name: 'shortcuts' };

/** A place on the screen that something small opens at. */
export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What opens beside something and goes when one looks elsewhere. */
export type Popover =
  | { name: 'message'; contact: string; message: string; at: Place }
  | { name: 'react'; contact: string; message: string; at: Place }
  | { name: 'emoji'; contact: string; at: Place }
  | { name: 'attach'; contact: string; at: Place }
  | { name: 'conversation'; contact: string; at: Place };

/** Where in the window the person is. */
export class NavigationState {
  entry = $state<Entry>('welcome');
  screen = $state.raw<Screen>({ name: 'empty' });
  overlay = $state.raw<Overlay | null>(null);
  popover = $state.raw<Popover | null>(null);
  /** The panel about the contact beside the conversation. */
  details = $state(false);
  search = $state('');

  readonly contact: string | null = $derived.by(() =>
    this.screen.name === 'conversation' ? this.screen.contact : null,
  );

  go(screen: Screen): void {
    this.screen = screen;
    this.overlay = null;
    this.popover = null;
  }

  settings(section: Section = 'account'): void {
    this.go({ name: 'settings', section });
  }

  open(contact: string): void {
    this.go({ name: 'conversation', contact });
  }

  toggleDetails(): void {
    if (this.contact !== null) this.details = !this.details;
  }

  show(overlay: Overlay): void {
    this.popover = null;
    this.overlay = overlay;
  }

  pop(popover: Popover): void {
    this.popover = popover;
  }

  /** Closes the topmost thing that is open, one at a time. */
  close(): void {
    if (this.popover) this.popover = null;
    else if (this.overlay) this.overlay = null;
    else if (this.details && this.contact !== null) this.details = false;
    else if (this.search !== '') this.search = '';
    else this.screen = { name: 'empty' };
  }

  clear(): void {
    this.entry = 'welcome';
    this.screen = { name: 'empty' };
    this.overlay = null;
    this.popover = null;
    this.details = false;
    this.search = '';
  }
}
