/**
 * The cluster does not take a proof of identity, or there is none to be had. The broker is well: others may go there.
 */
export class IdentityRefused extends Error {
  override readonly name = 'IdentityRefused'
}
