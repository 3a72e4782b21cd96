import { createRemoteJWKSet, jwtVerify } from "jose";

const issuer = process.env.KINDE_ISSUER_URL;
const audience = "https://api.example.test";
const keys = createRemoteJWKSet(new URL("/.well-known/jwks", issuer));

/** The claims of a good bearer token, or null. Signature, issuer, expiry and audience: Kinde's own validator looks at the first only. */
export async function bearerClaims(authorization) {
  const [, token] = /^Bearer (.+)$/i.exec(authorization) ?? [];
  if (!token) return null;
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ["RS256"], requiredClaims: ["exp"] });
    return payload;
  } catch (error) {
    console.warn(`a bearer token was refused: ${error.code}`);
    return null;
  }
}
