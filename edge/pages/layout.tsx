import { raw } from "hono/html";
import type { Child, FC } from "hono/jsx";
import { formatInstant, type Instant } from "../../shared/time.ts";
import { groupsOf } from "../../shared/tuf/key_words.ts";
import { STYLE } from "./style.ts";

export interface LayoutProps {
  readonly title: string;
  readonly children: Child;
}

/** What all pages share. They work without a script, and there is none. */
export const Layout: FC<LayoutProps> = ({ title, children }) => (
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
          What these pages say is for people. A host believes only what is <a href="/trust">signed</a>.{" "}
          <a href="/changes.atom">Changes as Atom</a>
        </p>
      </footer>
    </body>
  </html>
);

/** The form that takes whatever somebody has in hand. */
export const Search: FC<{ readonly query: string }> = ({ query }) => (
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

/** A digest that people compare: seen in groups of four, and copied as it is. */
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

/** Nothing for an update that is in force; else why it must not be applied any more. */
export const Recalled: FC<{ readonly why: string | null }> = ({ why }) =>
  why === null ? null : (
    <p class="bad">
      <span class="tag">recalled</span>
      {why}
    </p>
  );
