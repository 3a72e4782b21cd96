import { LoginLink, LogoutLink, RegisterLink } from "@kinde-oss/kinde-auth-nextjs/components";
import { getKindeServerSession } from "@kinde-oss/kinde-auth-nextjs/server";

export default async function Home() {
  const { getUser, isAuthenticated } = getKindeServerSession();
  if (!(await isAuthenticated())) {
    return (
      <>
        <h1>Todos</h1>
        <p>
          <LoginLink postLoginRedirectURL="/dashboard">Sign in</LoginLink>
          <RegisterLink postLoginRedirectURL="/dashboard">Register</RegisterLink>
        </p>
      </>
    );
  }
  const user = await getUser();
  return (
    <>
      <h1>Welcome back, {user.given_name}</h1>
      <p>
        <a href="/dashboard">To the dashboard</a>
        <LogoutLink>Sign out</LogoutLink>
      </p>
    </>
  );
}
