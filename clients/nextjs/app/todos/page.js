import { getKindeServerSession } from "@kinde-oss/kinde-auth-nextjs/server";

/** A page for those who may create todos, in the organization they are signed in to. */
export default async function Todos() {
  const { getPermission } = getKindeServerSession();
  const permission = await getPermission("create:todos");
  // The SDK answers null, not { isGranted: false }, for a permission that the token lacks.
  if (!permission?.isGranted) {
    return (
      <>
        <h1>Not for you</h1>
        <p>You need the permission create:todos.</p>
      </>
    );
  }
  return (
    <>
      <h1>Todos of {permission.orgCode}</h1>
      <p>Nothing to do.</p>
    </>
  );
}
