import { raw } from "hono/html";
import type { Child, FC } from "hono/jsx";
import { formatInstant, type Instant } from "../../shared/time.ts";
import { groupsOf } from "../../shared/tuf/key_words.ts";
import { STYLE } from "./style.ts";

export interface PageLayoutProps {
  readonly title: string;
  readonly children: Child;
}

/** The frame of all pages, which use no script. */
export const PageLayout: FC<PageLayoutProps> = ({ title, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{`${title} · rebootless feed`}</title>
      <link rel="alternate" type="application/atom+xml" title="Changes" href="/changes.atom" />
      <link rel="icon" href="data:," />
      <style>{raw(STYLE)}</style>
    </head>
    <body>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header>
        <a class="name" href="/">
          rebootless feed
        </a>
        <nav aria-label="Main">
          <ul>
            <li>
              <a href="/kernels">Kernels</a>
            </li>
            <li>
              <a href="/cves">CVEs</a>
            </li>
            <li>
              <a href="/trust">Trust</a>
            </li>
            <li>
              <a href="/install">Install</a>
            </li>
            <li>
              <a href="/verify">Verify</a>
            </li>
          </ul>
        </nav>
      </header>
      <main id="content">{children}</main>
      <footer>
        <p>
          These pages are for people. A host believes only what is <a href="/trust">signed</a>.{" "}
          <a href="/changes.atom">Changes as an Atom feed</a>
        </p>
      </footer>
    </body>
  </html>
);

/** The search form, which accepts whatever a person can copy about a kernel or an update. */
export const SearchForm: FC<{ readonly query: string }> = ({ query }) => (
  <search>
    <form class="search" action="/kernels" method="get">
      <label for="q">
        Output of <code>uname -a</code>, a build ID, part of a release, a CVE, or words of an update
      </label>
      <input id="q" name="q" value={query} maxlength={512} autocomplete="off" spellcheck={false} />
      <button type="submit">Find updates</button>
    </form>
  </search>
);

/** A digest for people to compare: it is shown in groups of four, and copied without spaces. */
export const Digest: FC<{ readonly of: string }> = ({ of }) => (
  <code class="digest">
    {groupsOf(of).map((group) => (
      <span>{group}</span>
    ))}
  </code>
);

export const Time: FC<{ readonly at: Instant }> = ({ at }) => {
  const text = formatInstant(at);
  return <time datetime={text}>{text.replace("T", " ").replace("Z", " UTC")}</time>;
};

/** Tells why an update was recalled. It is empty for an update that was not. */
export const RecallNotice: FC<{ readonly why: string | null }> = ({ why }) =>
  why === null ? null : (
    <p class="bad">
      <span class="tag">recalled</span>
      {why}
    </p>
  );
