// Who is signed in, in this tab: the token lies in sessionStorage and nowhere else. Pages that do not call `open` (the embedded player) have
// no token and ask for none.
import { claimsOf, type Claims } from './token';

// Why somebody is asked to sign in on a page that others may see.
export type Reason = '' | 'wanted' | 'expired' | 'signed-out';

const kKey = 'vora.token';

export class Session {
  token = '';
  needed: boolean | null = null; // whether the API asks for tokens; null: not known yet
  reason: Reason = '';
  refusal = ''; // what the server said of the token that it did not take any more
  private storage: Storage | null = null;
  private opened = false;
  private owner = ''; // whose things are on the page
  private readonly changes = new Set<() => void>();
  private readonly forgets = new Set<() => void>();

  get claims(): Claims | null {
    return claimsOf(this.token);
  }

  // `storage` null: the token is kept until the page is left.
  open(storage: Storage | null): void {
    this.opened = true;
    this.storage = storage;
    this.token = storage?.getItem(kKey) ?? '';
    this.owner = ownerOf(this.token);
  }

  know(needed: boolean): void {
    if (this.needed === needed) return;
    this.needed = needed;
    this.changed();
  }

  signIn(token: string): void {
    const owner = ownerOf(token);
    if (this.owner && this.owner !== owner) this.forget();
    this.owner = owner;
    this.needed = true;
    this.keep(token, '');
  }

  signOut(): void {
    this.forget();
    this.owner = '';
    this.keep('', 'signed-out');
  }

  // Leads to the sign-in page, or back from it.
  want(wanted: boolean): void {
    this.keep(this.token, wanted ? 'wanted' : '');
  }

  // The server did not take `token`. An older one than the present says nothing.
  refused(token: string, message: string): void {
    if (!this.opened || token !== this.token) return;
    this.needed = true;
    this.keep('', token ? 'expired' : this.reason, token ? message : this.refusal);
  }

  // Resolves when there is a token, now or later.
  async signedIn(): Promise<void> {
    while (!this.token) {
      await new Promise<void>((resolve) => {
        const stop = this.subscribe(() => {
          stop();
          resolve();
        });
      });
    }
  }

  subscribe(changed: () => void): () => void {
    this.changes.add(changed);
    return () => void this.changes.delete(changed);
  }

  // For what belongs to the one who was signed in: called when he signs out, or another one signs in.
  onForget(forget: () => void): void {
    this.forgets.add(forget);
  }

  private keep(token: string, reason: Reason, refusal = ''): void {
    this.token = token;
    this.reason = reason;
    this.refusal = refusal;
    try {
      if (token) this.storage?.setItem(kKey, token);
      else this.storage?.removeItem(kKey);
    } catch {
      // Full: kept until the page is left.
    }
    this.changed();
  }

  private forget(): void {
    for (const forget of [...this.forgets]) forget();
  }

  private changed(): void {
    for (const changed of [...this.changes]) changed();
  }
}

function ownerOf(token: string): string {
  const claims = claimsOf(token);
  return claims ? JSON.stringify([claims.tenant, claims.subject]) : '';
}

export const session = new Session();

// sessionStorage; null where the browser forbids it.
export function tabStorage(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}
