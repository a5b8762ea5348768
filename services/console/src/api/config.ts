// What this installation is like.
import { get } from './client';
import type { Config } from './schema';

// Asked for once; a failure is forgotten.
let asked: Promise<Config> | null = null;
export function config(): Promise<Config> {
  asked ??= get<Config>('/v1/config');
  asked.catch(() => (asked = null));
  return asked;
}
