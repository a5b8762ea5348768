// The console: one shell, pages loaded when they are opened.
import { render } from 'preact';

import './styles.css';
import { session, tabStorage } from './session/session';
import { applyTheme } from './theme';
import { Shell } from './shell/Shell';
import { activity } from './upload/activity';

// After an update the server has other chunks than this page knows: loading the page anew gets them. Not while files are being sent, and not
// again and again.
window.addEventListener('vite:preloadError', (event) => {
  const key = 'vora.reloaded';
  const last = Number(sessionStorage.getItem(key) ?? 0);
  if (activity.get().active > 0 || Date.now() - last < 10_000) return;
  sessionStorage.setItem(key, String(Date.now()));
  event.preventDefault();
  location.reload();
});

applyTheme();
session.open(tabStorage());
render(<Shell />, document.getElementById('app')!);
