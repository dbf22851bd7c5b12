/**
 * The RPC seam: a log engine answers Kafka requests. Whoever calls it does not know whether the log is files on this
 * machine or a cluster behind it; what an engine cannot do is absent from `supports`, never an `if` in a caller.
 */
import type { Dispatch } from '../protocol/rpc.ts'

export type EngineState = 'closed' | 'recovering' | 'ready' | 'failed'

export interface LogEngine {
  readonly dispatch: Dispatch
  /** The versions it answers, by api key: what may be advertised is these, cut to what the codec and the policies know. */
  readonly supports: ReadonlyMap<number, readonly [min: number, max: number]>
  readonly state: EngineState
  /** Why the state is `failed`: a sentence for the operator. */
  readonly failure: string | null
  readonly clusterId: string
  /** Recovers what is there and is `ready` afterwards. Rejects with a sentence that says what to do. */
  open (): Promise<void>
  /** Finishes what was accepted, makes it durable and lets go of everything. */
  close (): Promise<void>
}
