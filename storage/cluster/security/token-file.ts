/**
 * A token in a file that somebody else keeps fresh.
 */
import { isToken, MAX_TOKEN_BYTES, type TokenSource } from './oauthbearer.ts'
import { readText, WatchedFile, type WatchOptions } from './watched-file.ts'

/** Throws an Error with a sentence where the file holds no token, the first time. */
export function tokenFile (file: string, watch: WatchOptions): TokenSource {
  const watched = new WatchedFile([file], () => {
    const token = readText(file, MAX_TOKEN_BYTES + 16).trim()
    if (!isToken(token)) throw new Error(`${file} does not hold one token of letters, digits and . _ ~ + / - alone.`)
    return token
  }, watch)
  return {
    place: file,
    token: async () => watched.value,
    refused: () => {}
  }
}
