// login, register, create_org, kinde_callback, logout, portal, setup, health and end_session.

import { handleAuth } from "@kinde-oss/kinde-auth-nextjs/server";

export const GET = handleAuth();
