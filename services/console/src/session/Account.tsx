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
  const details = [claims?.tenant, claims?.expiresAt ? `until ${ends(claims.expiresAt)}` : ''].filter(Boolean).join(' · ');
  const scopes = claims?.scopes.length ? `Scopes: ${claims.scopes.join(', ')}` : 'No scopes';
  return (
    <div class="account" data-testid="account">
      <div class="account-who" title={scopes}>
        <strong data-testid="account-subject">{claims?.subject || 'Signed in'}</strong>
        <span class="muted" data-testid="account-details">{details}</span>
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
