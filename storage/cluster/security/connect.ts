/**
 * A connection to a broker: TCP, and TLS over it. What goes wrong is said in a sentence for the operator, who sees in it
 * which file or setting to look at.
 */
import { BlockList, connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { Endpoint, Inlet } from '../upstream.ts'

export const CONNECT_TIMEOUT_MS = 10_000
/** Long polls keep a connection silent for a while; a broker that is gone without a word should be noticed all the same. */
const KEEP_ALIVE_MS = 30_000

export interface ConnectOptions {
  /** Null: without TLS. */
  readonly tls: { readonly context: SecureContext, readonly ca: string | null } | null
  /** Whether it may lead to another machine although nothing is encrypted. */
  readonly mayLeave: boolean
  readonly timeoutMs: number
  readonly inlet?: Inlet | undefined
}

const received = (inlet: Inlet) => (bytes: number): boolean => {
  inlet.received(bytes)
  return true
}

/** A connected socket. Rejects with a sentence; when `signal` is aborted, with its reason. */
export async function connect (
  endpoint: Endpoint, signal: AbortSignal, { tls, mayLeave, timeoutMs, inlet }: ConnectOptions
): Promise<Socket> {
  signal.throwIfAborted()
  const { host, port } = endpoint
  const socket: Socket = tls === null
    ? connectTcp({ host, port, ...inlet === undefined ? {} : { onread: { buffer: inlet.memory, callback: received(inlet) } } })
    // The name is checked against the certificate: an address has no name to ask for (RFC 6066, section 3).
    : connectTls({ host, port, secureContext: tls.context, rejectUnauthorized: true, ...isIP(host) === 0 && { servername: host } })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (error: unknown): void => reject(error instanceof Error ? error : new Error(String(error)))
  const closed = (): void => fail(new Error(`The broker at ${formatEndpoint(endpoint)} ${tls === null ? 'closed the connection at once.' : CUT_SHORT}`))
  const failed = (error: NodeJS.ErrnoException): void => {
    const why = tls !== null && error.code === 'ECONNRESET' ? CUT_SHORT : whyNot(error, endpoint, tls?.ca ?? null)
    fail(new Error(`The broker at ${formatEndpoint(endpoint)} ${why}`, { cause: error }))
  }
  const late = (how: string): void =>
    fail(new Error(`The broker at ${formatEndpoint(endpoint)} did not ${tls === null ? 'answer' : 'finish the TLS handshake'} ${how}.`))
  const timer = setTimeout(() => late(`within ${timeoutMs} ms`), timeoutMs)
  const aborted = (): void => (signal.reason as Error | null)?.name === 'TimeoutError' ? late('in time') : fail(signal.reason)
  const ready = tls === null ? 'connect' : 'secureConnect'
  signal.addEventListener('abort', aborted, { once: true })
  socket.on('error', failed).on('close', closed).on(ready, resolve)
  try {
    await promise
    // Here and not in the options of the connection, of which TLS would take no notice.
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
    if (tls === null && !mayLeave && !isThisMachine(socket.remoteAddress)) {
      throw new Error(`The broker at ${formatEndpoint(endpoint)} is on another machine, and without TLS a password or a token would travel there ` +
        'unencrypted. Use TLS (--upstream-tls), SCRAM, or --insecure if nobody on that network listens.')
    }
    return socket
  } catch (error) {
    // An error that comes after this one has nobody to hear it, and must not end the process.
    socket.on('error', () => {}).destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
    socket.off('error', failed).off('close', closed).off(ready, resolve)
  }
}

export const formatEndpoint = ({ host, port }: Endpoint): string => isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** The address that was reached, and not the name that was looked up: a name may lead anywhere. */
const isThisMachine = (address = '::'): boolean => loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

const CUT_SHORT = 'closed the connection in the middle of the TLS handshake. Is that its TLS listener, and does it ask for a certificate of ours?'

/** Ends the sentence "The broker at HOST:PORT ...". */
function whyNot (error: NodeJS.ErrnoException, { host }: Endpoint, ca: string | null): string {
  const { code = 'no code' } = error
  const trust = ca ?? 'this machine'
  switch (code) {
    case 'ECONNREFUSED': return 'refuses connections (ECONNREFUSED): is it running, and is this its port?'
    case 'ENOTFOUND': case 'EAI_AGAIN': return `cannot be found: nothing knows the name (${code}).`
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return `shows a certificate that is not for ${host}. Name it by a name that its certificate holds, or give it another.`
    case 'CERT_HAS_EXPIRED': return 'shows a certificate that has run out, or that of an authority that has.'
    case 'CERT_NOT_YET_VALID': return 'shows a certificate that is not valid yet. Check the clock.'
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE': case 'UNABLE_TO_GET_ISSUER_CERT': case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN': case 'DEPTH_ZERO_SELF_SIGNED_CERT': case 'CERT_SIGNATURE_FAILURE':
      return `shows a certificate that no authority of ${trust} has signed (${code}). Name the one that did with --upstream-ca FILE.`
    case 'ERR_SSL_WRONG_VERSION_NUMBER': case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `does not speak TLS there (${code}). Name its TLS listener, or leave --upstream-tls out.`
    // What OpenSSL says may hold what was received.
    default: return code.startsWith('ERR_SSL') ? `ends the TLS handshake (${code}).` : `cannot be reached (${code}).`
  }
}
