/** The application's settings, as its developer finds them in what the emulator prints. */
export const web = {
  clientId: "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f11",
  clientSecret: "ThisIsNoSecretBecauseItIsPublishedWithTheTests11",
};

/** The world of these tests, for an application at `site`; an access token lasts as long as an ID token, one hour. */
export const world = (site, tokens = {}) => ({
  tokens: { access_token_seconds: 3_600, ...tokens },
  flags: { beta: false, seat_cap: 25 },
  applications: [
    {
      name: "todos",
      client_id: web.clientId,
      client_secret: web.clientSecret,
      callbacks: [`${site}/api/auth/kinde_callback`],
      logout_urls: [site, `${site}/signed-out`],
    },
    { name: "reports", kind: "machine", client_id: machine.clientId, client_secret: machine.clientSecret },
  ],
  apis: [{ audience: "https://api.example.test", scopes: ["read:todos"] }, { audience: "convex" }],
  plans: [{ key: "team", name: "Team", entitlements: [{ feature: "boards", price_name: "Boards", maximum: 10 }] }],
  organizations: [
    { handle: "acme", code: "org_acme", name: "Acmé & Söhne" },
    { handle: "globex", code: "org_globex" },
  ],
  people: [
    {
      name: "ada",
      email: "ada+kinde@example.test",
      given_name: "Ada",
      family_name: "Løvelace",
      memberships: [
        { org: "acme", permissions: ["create:todos", "read:todos"], roles: ["admin"] },
        { org: "globex", permissions: ["read:todos"] },
      ],
      flags: { beta: true },
      plans: ["team"],
    },
    { name: "bob", email: "bob@example.test", given_name: "Bob", memberships: [{ org: "acme", permissions: ["read:todos"] }] },
    { name: "dave", email: "dave@example.test", given_name: "Dave" },
  ],
  webhooks: [{ endpoint: `${site}/api/webhooks/kinde` }],
});

export const machine = {
  clientId: "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f12",
  clientSecret: "ThisIsNoSecretBecauseItIsPublishedWithTheTests12",
};
