// What a viewer chose last, kept in the browser where that is allowed.
const kKey = 'vora.player';

export interface Preferences {
  volume: number;
  muted: boolean;
  captions: string; // language; empty: off
}

const kDefault: Preferences = { volume: 1, muted: false, captions: '' };

export function loadPreferences(): Preferences {
  try {
    const kept = JSON.parse(localStorage.getItem(kKey) ?? '{}') as Partial<Preferences>;
    const volume = typeof kept.volume === 'number' && kept.volume >= 0 && kept.volume <= 1 ? kept.volume : kDefault.volume;
    return { volume, muted: kept.muted === true, captions: typeof kept.captions === 'string' ? kept.captions : '' };
  } catch {
    return kDefault;
  }
}

export function keepPreferences(change: Partial<Preferences>): void {
  try {
    localStorage.setItem(kKey, JSON.stringify({ ...loadPreferences(), ...change }));
  } catch {
    // Storage is closed: the choice lasts as long as the page.
  }
}
