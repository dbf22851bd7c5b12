/**
 * Which web pages may open a WebSocket. Browsers let any page connect anywhere, so the server has to look at the Origin
 * (RFC 6455, 10.2): pages of the same host and of this machine may, and those that the operator named. Programs that are
 * no browsers send none.
 */
export function isAllowedOrigin (origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes(origin) || allowed.includes('*')) return true
  // "null" is what pages from files and in sandboxes send, whosoever they are.
  const url = URL.parse(origin)
  if (url === null) return false
  return isLoopback(url.hostname) || url.host === hostOf(host, url.protocol)
}

function isLoopback (hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

/** The Host header as a URL of that scheme has it: in lower case, and without the scheme's own port. */
function hostOf (host: string | undefined, protocol: string): string | null {
  return URL.parse(`${protocol}//${host ?? ''}`)?.host ?? null
}
