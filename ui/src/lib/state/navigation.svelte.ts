/** Before one is in. */
export type Entry = 'welcome' | 'create' | 'sign-in';

/** The middle of the window, once inside. */
export type Screen =
  | { name: 'empty' }
  | { name: 'conversation'; contact: string }
  | { name: 'add' }
  | { name: 'requests' }
  | { name: 'network' }
  | { name: 'settings' };

/** What asks for an answer over everything else. */
export type Overlay =
  | { name: 'explain'; message: string }
  | { name: 'link'; url: string }
  | { name: 'remove'; contact: string }
  | { name: 'block'; contact: string }
  | { name: 'shortcuts' };

/** Where in the window the person is. */
export class NavigationState {
  entry = $state<Entry>('welcome');
  screen = $state.raw<Screen>({ name: 'empty' });
  overlay = $state.raw<Overlay | null>(null);
  /** The panel about the contact beside the conversation. */
  details = $state(false);
  search = $state('');

  readonly contact: string | null = $derived.by(() =>
    this.screen.name === 'conversation' ? this.screen.contact : null,
  );

  go(screen: Screen): void {
    this.screen = screen;
    this.overlay = null;
  }

  open(contact: string): void {
    this.go({ name: 'conversation', contact });
  }

  toggleDetails(): void {
    if (this.contact !== null) this.details = !this.details;
  }

  show(overlay: Overlay): void {
    this.overlay = overlay;
  }

  /** Closes the topmost thing that is open, one at a time. */
  close(): void {
    if (this.overlay) this.overlay = null;
    else if (this.details && this.contact !== null) this.details = false;
    else if (this.search !== '') this.search = '';
    else this.screen = { name: 'empty' };
  }

  clear(): void {
    this.entry = 'welcome';
    this.screen = { name: 'empty' };
    this.overlay = null;
    this.details = false;
    this.search = '';
  }
}
