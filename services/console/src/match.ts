// Route patterns.

export type Params = Record<string, string>;

// The parameters when `path` fits `pattern`, else null. A trailing slash does not matter.
export function matchPath(pattern: string, path: string): Params | null {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  if (wanted.length !== given.length) return null;
  const params: Params = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index];
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    if (name) {
      try {
        params[name] = decodeURIComponent(value);
      } catch {
        return null;
      }
    } else if (part !== value) {
      return null;
    }
  }
  return params;
}

// Where to begin: `?t=` in seconds.
export function startOf(query: URLSearchParams): number {
  const seconds = Number(query.get('t'));
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
}
