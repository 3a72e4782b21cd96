import "./style.css";

export const metadata = { title: "Todos" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <nav>
          <a href="/">Home</a> <a href="/dashboard">Dashboard</a> <a href="/todos">Todos</a>
        </nav>
        <main>{children}</main>
      </body>
    </html>
  );
}
