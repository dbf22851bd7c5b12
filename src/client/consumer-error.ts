/**
 * What is wrong with what a consumer is asked to do, rather than with the log.
 */
export type ConsumerFault =
  /** Subscribed where partitions were chosen by hand, or the other way round. */
  | 'already-subscribed'
  /** Not in the present state: a seek in a partition that is not assigned, a poll without any. */
  | 'illegal-state'
  /** Of a topic that is there. */
  | 'no-partition'
  /** The consumer is closed, or was never there. */
  | 'closed'

export class ConsumerError extends Error {
  override readonly name = 'ConsumerError'
  readonly fault: ConsumerFault

  constructor (fault: ConsumerFault, message: string) {
    super(message)
    this.fault = fault
  }
}

const modes = { topics: 'subscribed to topics', pattern: 'subscribed to a pattern', assigned: 'assigned partitions' } as const

/** For a consumer that is asked to read in another way than it does. */
export function conflict (mode: keyof typeof modes): ConsumerError {
  return new ConsumerError('already-subscribed', `This consumer instance is ${modes[mode]}: DELETE its subscription before it reads in another way.`)
}
