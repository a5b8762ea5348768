// Who is signed in, until when, and the way out.
import { useState } from 'preact/hooks';

import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { date } from '../format';
import { activity } from '../upload/activity';
import { session } from './session';
import './session.css';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function ends(at: number): string {
  const time = new Date(at);
  return time.toDateString() === new Date().toDateString() ? clock.format(time) : date(time.toISOString());
}

export function Account() {
  const [asking, setAsking] = useState(false);
  const { claims } = session;
  const scopes = claims?.scopes.length ? `Scopes: ${claims.scopes.join(', ')}` : 'No scopes';
  return (
    <div class="account" data-testid="account">
      <div class="account-who" title={scopes}>
        <strong data-testid="account-subject">{claims?.subject || 'Signed in'}</strong>
        <span class="account-details muted" data-testid="account-details">
          {claims?.tenant && <span>{claims.tenant}</span>}
          {claims?.expiresAt && <span>until {ends(claims.expiresAt)}</span>}
        </span>
      </div>
      <Button onClick={() => (activity.get().active > 0 ? setAsking(true) : session.signOut())} testid="sign-out">
        Sign out
      </Button>
      {asking && (
        <Dialog title="Sign out while files are being sent?" onClose={() => setAsking(false)} confirm={{ label: 'Sign out', danger: true, onConfirm: () => session.signOut() }}>
          <p>The uploads stop. After signing in again, choose the same files and they go on where they stopped.</p>
        </Dialog>
      )}
    </div>
  );
}
