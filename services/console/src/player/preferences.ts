// What a viewer chose last, kept in the browser where that is allowed.
const kKey = 'vora.player';

export interface Preferences {
  volume: number;
  muted: boolean;
  captions: string; // language; empty: off
  sound: string;    // language; empty: the one that is heard unasked
}

const kDefault: Preferences = { volume: 1, muted: false, captions: '', sound: '' };

export function loadPreferences(): Preferences {
  try {
    const kept = JSON.parse(localStorage.getItem(kKey) ?? '{}') as Partial<Preferences>;
    const volume = typeof kept.volume === 'number' && kept.volume >= 0 && kept.volume <= 1 ? kept.volume : kDefault.volume;
    return { volume, muted: kept.muted === true, captions: typeof kept.captions === 'string' ? kept.captions : '', sound: typeof kept.sound === 'string' ? kept.sound : '' };
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
