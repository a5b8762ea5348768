// Light, dark, or as the system says; kept in this browser.
export type Theme = 'auto' | 'light' | 'dark';

const key = 'vora.theme';

export function storedTheme(): Theme {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    return 'auto';
  }
}

export function applyTheme(theme: Theme = storedTheme()): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // For what is painted on a canvas.
  window.dispatchEvent(new Event('vora-theme'));
}

export function storeTheme(theme: Theme): void {
  try {
    if (theme === 'auto') localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // Private windows may refuse; the choice then lasts for this page only.
  }
  applyTheme(theme);
}
