/**
 * One handler answers one api. What the engine supports is the list of its handlers and their versions, so the advertised
 * range and the code that honours it stand in one file.
 */
import type { Context } from '../../protocol/rpc.ts'
import type { Api, Request, ResponseInput } from '../../protocol/schema.ts'
import type { Embedded } from './state.ts'

export interface Handler<A extends Api = Api> {
  readonly api: A
  readonly versions: readonly [min: number, max: number]
  readonly handle: (request: Request<A>, context: Context, state: Embedded) => ResponseInput<A> | Promise<ResponseInput<A>>
}

export function handler<A extends Api> (
  api: A,
  versions: readonly [number, number],
  handle: (request: Request<A>, context: Context, state: Embedded) => ResponseInput<A> | Promise<ResponseInput<A>>
): Handler<A> {
  return { api, versions, handle }
}
