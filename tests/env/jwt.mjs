// JSON Web Tokens as an identity provider would make them, and as an attacker would.
import crypto from 'node:crypto';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

// Keys of an issuer: a JWK set with one RSA and one EC key, and a shared secret.
export function makeIssuer() {
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = (pair, kid, alg) => ({ ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  return {
    secret: crypto.randomBytes(32).toString('hex'),
    rsa,
    ec,
    jwks: { keys: [publicJwk(rsa, 'rsa-1', 'RS256'), publicJwk(ec, 'ec-1', 'ES256')] },
  };
}

const signers = {
  HS256: (input, key) => crypto.createHmac('sha256', key).update(input).digest(),
  RS256: (input, key) => crypto.sign('sha256', Buffer.from(input), key),
  ES256: (input, key) => crypto.sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }),
  none: () => Buffer.alloc(0),
};

// A signed token: header and claims exactly as given.
export function sign(header, claims, key) {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signers[header.alg](input, key).toString('base64url')}`;
}

export const now = () => Math.floor(Date.now() / 1000);

// What a good token says; anything may be overruled.
export const claims = (more = {}) => ({ iss: 'https://id.example.org', aud: 'vora', sub: 'tester', iat: now(), exp: now() + 600, scope: 'upload read write operate', ...more });

// A good token of the issuer.
export function token(issuer, more = {}, alg = 'HS256') {
  const key = { HS256: issuer.secret, RS256: issuer.rsa.privateKey, ES256: issuer.ec.privateKey }[alg];
  const kid = { RS256: 'rsa-1', ES256: 'ec-1' }[alg];
  return sign({ alg, typ: 'JWT', ...(kid ? { kid } : {}) }, claims(more), key);
}
