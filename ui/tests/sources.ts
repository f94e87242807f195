import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The files under a folder of this package whose names match. */
export function sources(folder: string, name: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => name.test(file))
    .map((file) => join(folder, file))
    .sort();
}
