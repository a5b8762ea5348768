import { render } from 'preact';

render(<p>The player is loading…</p>, document.getElementById('app')!);
