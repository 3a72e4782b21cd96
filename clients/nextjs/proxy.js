// Before the pages that need somebody: sends visitors to sign in, and refreshes tokens that are about to expire.

import { withAuth } from "@kinde-oss/kinde-auth-nextjs/middleware";

export default withAuth({ isReturnToCurrentPage: true });

export const config = { matcher: ["/dashboard/:path*", "/todos/:path*"] };
