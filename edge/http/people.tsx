import { Trouble } from "../pages/trouble.tsx";
import { answerPage, wantsPage } from "./page.ts";
import { saidIn } from "./problem.ts";

/** What a problem says that a program should do stands in these. */
const KEPT = ["Allow", "Retry-After", "WWW-Authenticate"];

/** A problem as a page, for who asked for pages; every other answer as it is. */
export async function forPeople(request: Request, answer: Response): Promise<Response> {
  const said = saidIn(answer);
  if (!said || !wantsPage(request)) return answer;
  const { status } = answer;
  const page = await answerPage(status, <Trouble status={status} message={said.message} hint={said.hint} />);
  for (const name of KEPT) {
    const value = answer.headers.get(name);
    if (value !== null) page.headers.set(name, value);
  }
  return page;
}
