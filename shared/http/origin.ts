/**
 * Accepts a part of RFC 9110, 7.2: a name of letters, digits, `-`, `_` and dots, or an address, and perhaps a
 * port.
 */
const HOST = /^(?:[a-z0-9_][a-z0-9_.-]{0,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * Tells whether the host that a request names can be part of an address: `feed.example.org`, `[::1]:8787`. It
 * comes from strangers, so it is refused if any of it could mean something else (a user, a path, a quote).
 */
export const isHost = (text: string): boolean => HOST.test(text) && parsed(`http://${text}/`) !== undefined;

/**
 * Returns the origin (`https://feed.example.org`) of a server's address that has nothing behind its host, or
 * undefined for any other text.
 */
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
