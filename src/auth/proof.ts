/**
 * What a mechanism does: it takes what the client sends, answers, and in the end says who that is. It watches, counts and
 * delays nothing; that is the authenticator's.
 */
/** `token` is the id of the delegation token that the proof was made with, if it was. */
export type ProofStep =
  | { readonly done: false, readonly reply: Buffer }
  | { readonly done: true, readonly reply: Buffer, readonly user: string, readonly expiresAtMs: number | null, readonly token?: string }

export interface Proof {
  /** Who the client says it is, as soon as it has said so. */
  readonly claimed: string | null
  /** Rejects with AuthenticationFailed. Not to be called again after that, nor after `done`. */
  step (bytes: Buffer): Promise<ProofStep>
}

export const NO_BYTES: Buffer = Buffer.alloc(0)

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Null if it is not UTF-8. */
export function decodeUtf8 (bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
