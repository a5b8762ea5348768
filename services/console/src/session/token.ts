// What a JSON Web Token says, for showing it. Whether it is genuine, the server decides.

export interface Claims {
  subject: string;
  tenant: string;
  scopes: string[];
  expiresAt: number | null; // ms since 1970
}

// As it was pasted: perhaps with the name of the scheme, quotes, or line breaks of a mail.
export const tidy = (text: string): string => text.replace(/^\s*(authorization:\s*)?bearer\s+/i, '').replace(/[\s"']+/g, '');

// The claims of `token` (RFC 7519), null when it is none.
export function claimsOf(token: string): Claims | null {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (!payload) return null;
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown> | null;
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return null;
    const { sub, tenant, exp } = claims;
    return { subject: text(sub), tenant: text(tenant), scopes: [...words(claims['scope']), ...words(claims['scp'])], expiresAt: typeof exp === 'number' ? exp * 1000 : null };
  } catch {
    return null;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : text(value).split(' ')).filter(Boolean);
