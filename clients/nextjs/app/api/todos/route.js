// An API for this application's own pages, by the session, and for other programs, by a bearer token.

import { getKindeServerSession } from "@kinde-oss/kinde-auth-nextjs/server";

import { bearerClaims } from "./bearer.js";

export async function GET(request) {
  const authorization = request.headers.get("authorization");
  const claims = authorization ? await bearerClaims(authorization) : await sessionClaims();
  if (!claims) return refusal(401, "Unauthorized");
  if (!claims.permissions?.includes("read:todos")) return refusal(403, "Forbidden");
  return Response.json({ orgCode: claims.org_code, todos: [] });
}

async function sessionClaims() {
  const { getAccessToken, isAuthenticated } = getKindeServerSession();
  return (await isAuthenticated()) ? getAccessToken() : null;
}

function refusal(statusCode, message) {
  return Response.json({ statusCode, message }, { status: statusCode });
}
