/**
 * What the secure servers of both kinds have in common.
 */

/** A session lasts so long before the client has to show again who it is (KIP-368). */
export const MAX_REAUTH_MS = 3000

export const passwordOf = (user: string): string => `${user}-secret`

export interface Ports {
  readonly plaintext: number
  readonly encrypted: number
  readonly mutual: number
  /** What they advertise, where they are reached through a relay. */
  readonly plaintextRelay: number
  readonly encryptedRelay: number
}

export interface Started {
  readonly http: string
  readonly output: () => string
}
