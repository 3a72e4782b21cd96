import { LoginLink } from "@kinde-oss/kinde-auth-nextjs/components";

export default function SignedOut() {
  return (
    <>
      <h1>You are signed out</h1>
      <p>
        <LoginLink>Sign in again</LoginLink>
      </p>
    </>
  );
}
