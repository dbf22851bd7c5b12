/**
 * TLS on a listener: handshakes, certificates of clients, certificates of ours that change while connections are open.
 */
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'

export interface ListenerTls {
  /** Certificate, key and authorities as they are now. */
  context (): SecureContextOptions
  /** `listener` is called when they have changed. */
  onReload (listener: () => void): void
  /** Whether clients are to show a certificate (Kafka's `ssl.client.auth`). */
  readonly clientAuth: 'none' | 'requested' | 'required'
}

export interface TlsEvents {
  /** `acceptedAt` is what `enter` was given. */
  readonly onSecure: (socket: TLSSocket, acceptedAt: number) => void
  /** The handshake has failed, and the connection is gone. */
  readonly onFailure: (error: TlsFailure, socket: Socket) => void
  readonly onReloadFailure: (error: unknown) => void
}

/** Errors of OpenSSL have a code, and so has what is wrong with a certificate. */
export interface TlsFailure extends Error { readonly code?: string }

const MIN_VERSION = 'TLSv1.2'

export class TlsGate {
  readonly #server: Server
  readonly #events: TlsEvents
  readonly #asked: boolean
  /** Connections in their handshake: when they were accepted, by where they come from and where they arrived. */
  readonly #entering = new Map<string, { readonly socket: Socket, readonly acceptedAt: number }>()

  /** Throws if the context makes no sense. */
  constructor (tls: ListenerTls, handshakeTimeoutMs: number, events: TlsEvents) {
    this.#events = events
    this.#asked = tls.clientAuth !== 'none'
    // It never listens: it is handed sockets that were accepted, and admitted, elsewhere.
    this.#server = createServer({
      ...tls.context(),
      minVersion: MIN_VERSION,
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: this.#asked,
      rejectUnauthorized: tls.clientAuth === 'required'
    })
    this.#server.on('secureConnection', this.#onSecure)
    this.#server.on('tlsClientError', this.#onFailure)
    tls.onReload(() => {
      try {
        // For handshakes from now on. Who is connected stays so.
        this.#server.setSecureContext({ ...tls.context(), minVersion: MIN_VERSION })
      } catch (error) {
        events.onReloadFailure(error)
      }
    })
  }

  enter (socket: Socket, acceptedAt: number): void {
    const key = keyOf(socket)
    this.#entering.set(key, { socket, acceptedAt })
    socket.once('close', () => this.#entering.delete(key))
    socket.on('error', () => {}) // the TLS socket on top of it has the same one
    // A FIN in the middle of a handshake ends it; after it, it says only that no more requests come.
    socket.allowHalfOpen = false
    this.#server.emit('connection', socket)
  }

  /** Ends the handshakes that are under way. */
  close (): void {
    for (const { socket } of this.#entering.values()) socket.destroy()
  }

  readonly #onSecure = (socket: TLSSocket): void => {
    const key = keyOf(socket)
    const entering = this.#entering.get(key)
    this.#entering.delete(key)
    // The peer may be gone already.
    if (entering === undefined || socket.destroyed) {
      socket.destroy()
      return
    }
    // Requested: no certificate is fine, one that cannot be trusted is not.
    if (this.#asked && !socket.authorized && socket.getPeerX509Certificate() !== undefined) return this.#onFailure(socket.authorizationError, socket)
    socket.allowHalfOpen = true
    this.#events.onSecure(socket, entering.acceptedAt)
  }

  readonly #onFailure = (error: Error, socket: TLSSocket): void => {
    // A certificate that is not accepted is only told by this field: the error is that the connection ended.
    const reason = socket.authorizationError as Error | string | null | undefined
    const cause = typeof reason === 'string' ? Object.assign(new Error(reason), { code: reason }) : reason
    this.#events.onFailure(cause ?? error, socket)
    socket.destroy()
  }
}

const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

/** What went wrong in a handshake, and what to do about it. `where` is the address that was reached. */
export function describeTlsFailure ({ code = '', message }: TlsFailure, where: string): string {
  switch (code) {
    case 'ERR_SSL_HTTP_REQUEST':
      return `An HTTP request without TLS reached the Kafka port ${where}, which speaks Kafka over TLS.`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
    case 'ERR_SSL_BAD_RECORD_TYPE':
      return `Something that is not TLS reached the Kafka port ${where}, which speaks TLS: ` +
        'set security.protocol=SSL (or SASL_SSL) in the client.'
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
    case 'ERR_SSL_VERSION_TOO_LOW':
    case 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION':
      return `A client of the Kafka port ${where} does not speak TLS 1.2 or 1.3: use a newer client.`
    case 'ERR_SSL_NO_SHARED_CIPHER':
      return `A client of the Kafka port ${where} offers no cipher that our certificate can be used with.`
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return `A client of the Kafka port ${where} showed no certificate, which is required there: ` +
        'give it one (ssl.keystore.location, ssl.certificate.location).'
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_TLS_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED':
    case 'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN':
    case 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED':
      return `A client of the Kafka port ${where} does not trust our certificate (${message}): ` +
        'give it the authority (ssl.truststore.location, ssl.ca.location), and connect to a name that the certificate has.'
    case 'ERR_TLS_HANDSHAKE_TIMEOUT':
      return `A client of the Kafka port ${where} did not finish the TLS handshake in time.`
    case 'ECONNRESET':
      return `A client of the Kafka port ${where} left during the TLS handshake: perhaps it does not trust our certificate.`
    default:
      return /^[A-Z0-9]+(?:_[A-Z0-9]+)+$/.test(code) && !code.startsWith('ERR_')
        ? `A client of the Kafka port ${where} showed a certificate that is not accepted (${code}): it must be signed by an authority of tls-ca, and valid now.`
        : `A TLS handshake at the Kafka port ${where} failed: ${message}.`
  }
}
