import type { Component } from 'svelte';
import ArrowLeftRight from '@lucide/svelte/icons/arrow-left-right';
import Camera from '@lucide/svelte/icons/camera';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Lock from '@lucide/svelte/icons/lock';
import Moon from '@lucide/svelte/icons/moon';
import Paperclip from '@lucide/svelte/icons/paperclip';
import PanelRight from '@lucide/svelte/icons/panel-right';
import Plus from '@lucide/svelte/icons/plus';
import Radio from '@lucide/svelte/icons/radio';
import Search from '@lucide/svelte/icons/search';
import SettingsIcon from '@lucide/svelte/icons/settings';
import Users from '@lucide/svelte/icons/users-round';
import type { AppState } from './app.svelte';
import { SECTIONS } from './navigation.svelte';
import { attach, shortcuts, type Shortcut } from './shortcuts';

/** Something the palette can do. */
export interface Command {
  id: string;
  label: string;
  keys?: string;
  icon: Component<{ size?: number; strokeWidth?: number }>;
  run: () => void;
}

/** Everything that can be done from anywhere: what has a key, each page of the settings, the colours. */
export function commands(app: AppState): Command[] {
  const { navigation, settings, i18n } = app;
  const { t } = i18n;
  const open = navigation.contact !== null;
  const byKey = shortcuts
    .filter(({ label }) => icons[label] !== undefined && (open || !NEEDS_CONVERSATION.has(label)))
    .map(({ label, keys, run }) => ({
      id: label,
      label: t(label),
      keys,
      icon: icons[label] ?? SettingsIcon,
      run: () => run(app),
    }));
  const pages = SECTIONS.map((section) => ({
    id: `settings.${section}`,
    label: t('palette.settings', { page: t(`settings.${section}`) }),
    icon: SettingsIcon,
    run: () => navigation.settings(section),
  }));
  const dark = settings.theme !== 'dark';
  const colours = {
    id: 'theme',
    label: t(dark ? 'palette.dark' : 'palette.light'),
    icon: Moon,
    run: () => void app.attempt(() => settings.choose({ theme: dark ? 'dark' : 'light' })),
  };
  const asItIs = {
    id: 'attach.as_is',
    label: t('composer.attach.as_is'),
    icon: Camera,
    run: () => void attach(app, 'as they are'),
  };
  return [...byKey, ...(open ? [asItIs] : []), ...pages, colours];
}

/** Those in which each of the words occurs, those that begin with them first. */
export function fitting<T>(list: readonly T[], query: string, textOf: (item: T) => string): T[] {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const rank = (text: string): number => (words.every((word) => ` ${text}`.includes(` ${word}`)) ? 0 : 1);
  return list
    .map((item) => ({ item, text: textOf(item).toLocaleLowerCase() }))
    .filter(({ text }) => words.every((word) => text.includes(word)))
    .sort((a, b) => rank(a.text) - rank(b.text))
    .map(({ item }) => item);
}

const icons: Partial<Record<Shortcut['label'], Command['icon']>> = {
  'shortcut.add': Plus,
  'shortcut.requests': Users,
  'shortcut.network': Radio,
  'shortcut.transfers': ArrowLeftRight,
  'shortcut.find': Search,
  'shortcut.details': PanelRight,
  'shortcut.attach': Paperclip,
  'shortcut.lock': Lock,
  'shortcut.sheet': Keyboard,
};

const NEEDS_CONVERSATION = new Set<string>(['shortcut.find', 'shortcut.details', 'shortcut.attach']);
