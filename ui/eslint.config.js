import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['dist', 'dist-mock', 'looks', 'src/lib/api/generated'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig },
    },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'svelte/no-at-html-tags': 'error',
      'svelte/valid-compile': ['error', { ignoreWarnings: false }],
      'svelte/button-has-type': 'error',
      // A style attribute in markup falls to the content security policy; `style:` directives do not.
      'no-restricted-syntax': ['error', 'SvelteAttribute[key.name="style"]'],
      // The one door to the shell: everything else talks to `Backend`.
      'no-restricted-imports': ['error', { patterns: ['@tauri-apps/*'] }],
      // Nothing remote, and no second way out of the window.
      'no-restricted-globals': [
        'error',
        'fetch',
        'XMLHttpRequest',
        'WebSocket',
        'EventSource',
        'localStorage',
      ],
    },
  },
  { files: ['src/lib/api/tauri.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    // `shared` knows no domain: it takes what it shows as properties.
    files: ['src/components/shared/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['@tauri-apps/*', '$lib/state/*', '$lib/api/*', '$components/!(shared)*'] },
      ],
    },
  },
  { files: ['scripts/**', '*.config.*'], rules: { 'no-console': 'off' } },
);
