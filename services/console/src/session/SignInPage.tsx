// Where somebody without a token, or with one that has ended, pastes one. It stands in place of the page that was asked for.
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { Button } from '../components/Button';
import { Notice } from '../components/Notice';
import { useTitle } from '../components/useTitle';
import { sentence } from '../format';
import './session.css';
import { session } from './session';
import { signIn } from './signIn';

const scopes = [
  ['read', 'see the library, the videos and their numbers'],
  ['upload', 'send files'],
  ['write', 'make videos of them, edit, retry and delete'],
  ['operate', 'see timelines and the fleet'],
] as const;

// `onLeave`: the page can be seen without a token.
export function SignInPage({ onLeave }: { onLeave?: (() => void) | undefined }) {
  useTitle('Sign in');
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const ids = { field: useId(), help: useId(), problem: useId() };
  useEffect(() => field.current?.focus(), []);

  const submit = async () => {
    setBusy(true);
    setProblem('');
    const wrong = await signIn(text);
    // When all is well this page is gone by now.
    setProblem(wrong);
    setBusy(false);
    if (wrong) field.current?.focus();
  };
  return (
    <section class="sign-in card" data-testid="sign-in" data-reason={session.reason}>
      <h1 tabIndex={-1}>Sign in</h1>
      {session.reason === 'expired' && (
        <div role="alert">
          <Notice tone="warn" title="Your session has ended" testid="session-ended">
            <p>{sentence(session.refusal)} Sign in again, and you are back on the same page.</p>
          </Notice>
        </div>
      )}
      {session.reason === 'signed-out' && (
        <div role="status">
          <Notice tone="ok" title="You are signed out" testid="signed-out" />
        </div>
      )}
      <p id={ids.help}>Paste a token (JWT) that your identity provider or operator has given you. It is kept in this tab only, and forgotten when you sign out or close it.</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="sign-in-field">
          <label for={ids.field}>Token</label>
          <textarea
            id={ids.field}
            ref={field}
            rows={5}
            value={text}
            required
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            autocorrect="off"
            placeholder="eyJ…"
            aria-invalid={problem ? true : undefined}
            aria-describedby={problem ? `${ids.problem} ${ids.help}` : ids.help}
            data-testid="token-input"
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey) return;
              event.preventDefault();
              void submit();
            }}
          />
          <p id={ids.problem} class="sign-in-problem" role="alert" data-testid="token-problem">{problem}</p>
        </div>
        <div class="row">
          <Button variant="primary" type="submit" busy={busy} testid="sign-in-submit">
            {busy ? 'Checking…' : 'Sign in'}
          </Button>
          {onLeave && (
            <Button variant="plain" onClick={onLeave} testid="watch-only">
              Watch without signing in
            </Button>
          )}
        </div>
      </form>
      <div class="sign-in-scopes small">
        <h2>Scopes of the token</h2>
        <dl>
          {scopes.map(([name, what]) => (
            <div key={name}>
              <dt><code>{name}</code></dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  );
}
