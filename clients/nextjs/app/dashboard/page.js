import { CreateOrgLink, LoginLink, LogoutLink, PortalLink } from "@kinde-oss/kinde-auth-nextjs/components";
import { getKindeServerSession } from "@kinde-oss/kinde-auth-nextjs/server";
import { connection } from "next/server";

import { Browser } from "./browser.js";

/** What the session tells a page that is rendered on the server; proxy.js lets nobody in without one. */
export default async function Dashboard() {
  await connection(); // not while building: the SDK answers null then
  const kinde = getKindeServerSession();
  const user = await kinde.getUser();
  const organization = await kinde.getOrganization();
  const { orgCodes } = await kinde.getUserOrganizations();
  // Both are null, not empty, for somebody who has none.
  const permissions = (await kinde.getPermissions())?.permissions ?? [];
  const roles = (await kinde.getRoles()) ?? [];
  const hasBeta = await kinde.getBooleanFlag("beta", false);
  const seats = await kinde.getIntegerFlag("seat_cap", 1);
  const token = await kinde.getAccessToken();
  const billing = await kinde.getEntitlements(); // asks Kinde's Account API

  return (
    <>
      <h1>Hello, {user.given_name}</h1>
      <dl>
        <dt>E-mail</dt>
        <dd id="email">{user.email}</dd>
        <dt>Organization</dt>
        <dd id="organization">
          {organization?.orgCode} {organization?.orgName}
        </dd>
        <dt>Permissions</dt>
        <dd id="permissions">{permissions.join(", ")}</dd>
        <dt>Roles</dt>
        <dd id="roles">{roles.map((role) => role.key).join(", ")}</dd>
        <dt>Seats</dt>
        <dd id="seats">{seats}</dd>
        <dt>Plans</dt>
        <dd id="plans">{billing?.plans?.map((plan) => plan.key).join(", ")}</dd>
        <dt>Access token</dt>
        <dd id="token">
          for {token.aud.join(", ")}, until {token.exp}
        </dd>
      </dl>
      {hasBeta && <p id="beta">You are trying the new board.</p>}
      <Browser />
      <h2>Organizations</h2>
      <ul>
        {orgCodes.map((code) => (
          <li key={code}>
            <LoginLink orgCode={code} postLoginRedirectURL="/dashboard">
              Switch to {code}
            </LoginLink>
          </li>
        ))}
      </ul>
      <p>
        <CreateOrgLink orgName="Initech">Create Initech</CreateOrgLink>
        <PortalLink returnUrl={`${process.env.KINDE_SITE_URL}/dashboard`}>Your account</PortalLink>
        <LogoutLink>Sign out</LogoutLink>
      </p>
    </>
  );
}
