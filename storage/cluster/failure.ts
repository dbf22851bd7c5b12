/**
 * A request to a broker that has no answer. What became of it is known only where it was never sent.
 */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  /** Whether any byte of the request may have reached the broker. */
  readonly wasSent: boolean

  constructor (message: string, wasSent: boolean, options?: ErrorOptions) {
    super(message, options)
    this.wasSent = wasSent
  }
}
