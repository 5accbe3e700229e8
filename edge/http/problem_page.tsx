import { ProblemPage } from "../pages/problem.tsx";
import { answerPage, wantsPage } from "./page.ts";
import { problemIn } from "./problem.ts";

/** Headers that tell a program what to do. */
const KEPT_HEADERS = ["Allow", "Retry-After", "WWW-Authenticate"];

/** Turns a problem into a page if a page was requested. Returns any other answer as it is. */
export async function problemAsPage(request: Request, answer: Response): Promise<Response> {
  const found = problemIn(answer);
  if (!found || !wantsPage(request)) return answer;
  const { status } = answer;
  const page = await answerPage(
    status,
    <ProblemPage status={status} message={found.message} hint={found.hint} />,
  );
  for (const name of KEPT_HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) page.headers.set(name, value);
  }
  return page;
}
