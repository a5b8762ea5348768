// The REST API: JSON in and out, errors as ApiError.

export type Query = Record<string, string | number | boolean | undefined | null>;

export class ApiError extends Error {
  constructor(
    readonly code: string, // e.g. INVALID_ARGUMENT; NETWORK when the server was not reached
    message: string,
    readonly status = 0, // 0: not reached
    readonly field = '', // the request's field at fault, if it is one
    readonly retryAfterSeconds = 0, // as the server advised; 0: nothing said
  ) {
    super(message);
    this.name = 'ApiError';
  }
  // The same request may succeed later.
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
  get notFound(): boolean {
    return this.status === 404;
  }
}

export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(key, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

export function get<T>(path: string, options: { query?: Query; signal?: AbortSignal } = {}): Promise<T> {
  return call<T>('GET', withQuery(path, options.query), undefined, options.signal);
}

// `body` undefined: none is sent. Answers without a body give undefined.
export function send<T>(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return call<T>(method, path, body, signal);
}

async function call<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal: signal ?? null,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('NETWORK', 'Vora cannot be reached. Check the connection and try again.');
  }
  const text = await response.text();
  let json: unknown;
  try {
    json = text ? JSON.parse(text) : undefined;
  } catch {
    json = undefined;
  }
  if (response.ok && (json !== undefined || !text)) return json as T;
  throw errorOf(response, json);
}

function errorOf(response: Response, json: unknown): ApiError {
  const told = (json as { error?: { code?: string; message?: string; field?: string } } | undefined)?.error;
  const wait = Number(response.headers.get('Retry-After') ?? 0);
  const fallback = response.status >= 500 ? 'Vora is not available right now.' : `The request failed (HTTP ${response.status}).`;
  return new ApiError(told?.code ?? `HTTP_${response.status}`, told?.message ?? fallback, response.status, told?.field ?? '', wait > 0 ? wait : 0);
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
