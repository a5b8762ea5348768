import { useState } from 'preact/hooks';

import { Icon } from '../components/Icon';
import { storeTheme, storedTheme, type Theme } from '../theme';

const order: Theme[] = ['auto', 'light', 'dark'];
const names = { auto: 'as the system', light: 'light', dark: 'dark' } as const;
const icons = { auto: 'contrast', light: 'sun', dark: 'moon' } as const;

export function ThemeToggle() {
  const [theme, setTheme] = useState(storedTheme);
  const next = order[(order.indexOf(theme) + 1) % order.length];
  const label = `Colours: ${names[theme]}. Change to ${names[next]}`;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      data-testid="theme-toggle"
      onClick={() => {
        storeTheme(next);
        setTheme(next);
      }}
    >
      <Icon name={icons[theme]} />
    </button>
  );
}
