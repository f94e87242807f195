import { Formatter } from '$lib/format/formatter';
import type { Key, Values } from '$lib/i18n/catalogue';
import { bestLanguage, isLanguage, languages, type Language } from '$lib/i18n/languages';
import { translate } from '$lib/i18n/translate';

/** The language on the screen. `t` and `format` follow it at once. */
export class I18nState {
  #chosen = $state<Language | null>(null);
  readonly #system: Language;
  readonly #systemLocales: readonly string[];

  readonly language: Language = $derived.by(() => this.#chosen ?? this.#system);

  /** The person's own region of the language, if the system names one: dates follow it. */
  readonly locale: string = $derived.by(
    () => this.#systemLocales.find((tag) => tag.split('-')[0] === this.language) ?? this.language,
  );

  readonly format: Formatter = $derived.by(() => new Formatter(this.locale));

  constructor(systemLocales: readonly string[]) {
    this.#systemLocales = systemLocales;
    this.#system = bestLanguage(systemLocales);
  }

  /** A language that we do not have, or null, follows the system. */
  choose(language: string | null): void {
    this.#chosen = isLanguage(language) ? language : null;
  }

  readonly t = <K extends Key>(key: K, ...values: Values<K>): string =>
    translate(languages[this.language], this.locale, key, values[0]);

  /** For keys made from codes: the entry if there is one, else null. */
  readonly tOptional = (key: string, values?: Record<string, string | number>): string | null => {
    const catalogue = languages[this.language];
    if (!Object.hasOwn(catalogue, key)) return null;
    return translate(catalogue, this.locale, key as Key, values);
  };
}
