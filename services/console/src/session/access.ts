// What somebody may see of a page.
import type { Session } from './session';

export type Access =
  | 'waiting' // whether a token is needed is not known yet
  | 'full'
  | 'viewer' // what anybody may see
  | 'sign-in';

// `isPublic`: the page has something for those without a token.
export function accessOf({ token, needed, reason }: Pick<Session, 'token' | 'needed' | 'reason'>, isPublic: boolean): Access {
  if (token || needed === false) return 'full';
  if (needed === null) return 'waiting';
  return isPublic && reason === '' ? 'viewer' : 'sign-in';
}

// Whether an action is worth showing; the server decides. A token whose claims cannot be read is given the benefit of the doubt.
export function may({ token, claims }: Pick<Session, 'token' | 'claims'>, scope: 'read' | 'write' | 'operate'): boolean {
  return !token || !claims || claims.scopes.includes(scope);
}
