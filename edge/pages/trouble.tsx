import type { FC } from "hono/jsx";
import { Layout, Search } from "./layout.tsx";

export interface TroubleProps {
  readonly status: number;
  readonly message: string;
  readonly hint: string | undefined;
}

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, "This address cannot be read"],
  [404, "Not found"],
  [405, "Not possible here"],
]);

/** For a person who asked for what cannot be given. */
export const Trouble: FC<TroubleProps> = ({ status, message, hint }) => {
  const title = TITLES.get(status) ?? (status < 500 ? "Refused" : "Something is wrong here");
  return (
    <Layout title={title}>
      <h1>{title}</h1>
      <p>{`${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith(".") ? "" : "."}`}</p>
      {hint !== undefined && <p>{hint}</p>}
      {status === 404 && <Search query="" />}
      <p>
        <a href="/">To the front page</a>
      </p>
    </Layout>
  );
};
