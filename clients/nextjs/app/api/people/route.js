// Who there is, by Kinde's Management API, for those who may create todos.

import { createKindeManagementAPIClient, protectApi } from "@kinde-oss/kinde-auth-nextjs/server";

export const GET = protectApi(
  async () => {
    const { usersApi } = await createKindeManagementAPIClient();
    const { users } = await usersApi.getUsers();
    return Response.json(users.map((user) => user.email));
  },
  { permissions: "create:todos" },
);
