import '@fontsource-variable/inter/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import type { Backend } from '$lib/api/backend';

async function backend(): Promise<Backend> {
  if (import.meta.env.MODE === 'mock') {
    const { mockScene } = await import('$lib/api/mock');
    return mockScene(new URLSearchParams(location.search).get('scene') ?? '', Date.now());
  }
  const { TauriBackend } = await import('$lib/api/tauri');
  return new TauriBackend();
}

const target = document.getElementById('app');
if (target) mount(App, { target, props: { backend: await backend(), locales: navigator.languages } });
