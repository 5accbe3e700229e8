/** RFC 9110, 7.2, and less: a name of letters, digits, `-`, `_` and dots, or an address, and perhaps a port. */
const HOST = /^(?:[a-z0-9_][a-z0-9_.-]{0,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * Whether a request's word for where it was sent can stand in an address: `feed.example.org`, `[::1]:8787`. It comes from
 * strangers, so whatever has another meaning anywhere (a user, a path, a quote) is none.
 */
export const isHost = (text: string): boolean => HOST.test(text) && parsed(`http://${text}/`) !== undefined;

/** `https://feed.example.org` of the address of a server with nothing behind its host; undefined for any other text. */
export function serverOrigin(text: string): string | undefined {
  const url = parsed(text);
  if (!url || !["http:", "https:"].includes(url.protocol) || !isHost(url.host)) return undefined;
  const plain = url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  return plain ? url.origin : undefined;
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
