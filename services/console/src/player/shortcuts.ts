// What the keys do, and the list of them for people.

export type Action =
  | { kind: 'toggle' }
  | { kind: 'skip'; seconds: number }
  | { kind: 'seekPercent'; percent: number }
  | { kind: 'volume'; by: number }
  | { kind: 'mute' }
  | { kind: 'fullscreen' }
  | { kind: 'captions' }
  | { kind: 'speed'; by: number }
  | { kind: 'help' };

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

// `busy`: the focus is on something that needs space, enter and the arrows itself: 'button' or 'slider' or 'text'.
export function actionOf(press: KeyPress, busy: 'none' | 'button' | 'slider' | 'text'): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey || busy === 'text') return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  if (busy === 'button' && (key === ' ' || key === 'Enter')) return null;
  if (busy === 'slider' && (key.startsWith('Arrow') || key === 'Home' || key === 'End')) return null;
  if (/^[0-9]$/.test(key)) return { kind: 'seekPercent', percent: Number(key) * 10 };
  switch (key) {
    case ' ':
    case 'k':
      return { kind: 'toggle' };
    case 'j':
      return { kind: 'skip', seconds: -10 };
    case 'l':
      return { kind: 'skip', seconds: 10 };
    case 'ArrowLeft':
      return { kind: 'skip', seconds: -5 };
    case 'ArrowRight':
      return { kind: 'skip', seconds: 5 };
    case 'Home':
      return { kind: 'seekPercent', percent: 0 };
    case 'End':
      return { kind: 'seekPercent', percent: 100 };
    case 'ArrowUp':
      return { kind: 'volume', by: 0.1 };
    case 'ArrowDown':
      return { kind: 'volume', by: -0.1 };
    case 'm':
      return { kind: 'mute' };
    case 'f':
      return { kind: 'fullscreen' };
    case 'c':
      return { kind: 'captions' };
    case '<':
      return { kind: 'speed', by: -1 };
    case '>':
      return { kind: 'speed', by: 1 };
    case '?':
      return { kind: 'help' };
    default:
      return null;
  }
}

export const kShortcuts: [string[], string][] = [
  [['Space', 'K'], 'Play or pause'],
  [['←', '→'], '5 seconds back or on'],
  [['J', 'L'], '10 seconds back or on'],
  [['↑', '↓'], 'Louder or quieter'],
  [['M'], 'Sound off or on'],
  [['C'], 'Captions off or on'],
  [['F'], 'Full screen'],
  [['0', '…', '9'], 'Jump to 0 % … 90 %'],
  [['<', '>'], 'Slower or faster'],
  [['?'], 'This list'],
];
