// The console: one shell, pages loaded when they are opened.
import { render } from 'preact';

import './styles.css';
import { applyTheme } from './theme';
import { Shell } from './shell/Shell';

applyTheme();
render(<Shell />, document.getElementById('app')!);
