import type { FC } from "hono/jsx";
import { PageLayout, SearchForm } from "./layout.tsx";

export interface ProblemProps {
  readonly status: number;
  readonly message: string;
  readonly hint: string | undefined;
}

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, "This address cannot be read"],
  [404, "Not found"],
  [405, "Not supported here"],
]);

/** Tells a person what is wrong with a request, or with the server. */
export const ProblemPage: FC<ProblemProps> = ({ status, message, hint }) => {
  const title = TITLES.get(status) ?? (status < 500 ? "Refused" : "Something went wrong here");
  return (
    <PageLayout title={title}>
      <h1>{title}</h1>
      <p>{`${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith(".") ? "" : "."}`}</p>
      {hint !== undefined && <p>{hint}</p>}
      {status === 404 && <SearchForm query="" />}
      <p>
        <a href="/">Go to the front page</a>
      </p>
    </PageLayout>
  );
};
