/**
 * Requests about several things at once: what is permitted is handed on, the rest is refused, and the answer has both, in
 * the order of the request. Where all is permitted the request goes on as the object that it is.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Api, Fields, Request, Response, ResponseInput } from '../../protocol/schema.ts'
import { unknownTopicId, type Gate, type Refusal } from './authorize-gate.ts'
import { permissions, type Need } from './permissions.ts'

/** What is done with the requests of one api. */
export interface Rule<A extends Api = Api> {
  readonly api: A
  readonly apply: (request: Request<A>, context: Context, next: Dispatch, gate: Gate) => Promise<Response<A>>
}

export function rule<A extends Api> (api: A, apply: Rule<A>['apply']): Rule {
  return { api, apply } as unknown as Rule
}

/** The one thing that a request is about: refused, or handed on. */
export function whole<A extends Api> (
  api: A,
  check: (request: Request<A>, context: Context, gate: Gate) => Refusal | null,
  refuse: (refusal: Refusal, request: Request<A>, version: number) => ResponseInput<A>
): Rule {
  return rule(api, (request, context, next, gate) => {
    const refusal = check(request, context, gate)
    if (refusal === null) return next(api, request, context)
    gate.report(api, context, [refusal])
    return Promise.resolve(answerOf(api, refuse(refusal, request, context.version)))
  })
}

/** How the things in a request, and the answers to them, are found. */
export interface Elements<A extends Api, E, R> {
  readonly api: A
  readonly of: (request: Request<A>) => readonly E[]
  /** The id of the topic that an element means by it. Its name is known when it is checked, if the engine knows it. */
  readonly topicId?: (element: E) => string | null
  /** Null if it may be handed on. */
  readonly check: (element: E, context: Context, gate: Gate, request: Request<A>) => Refusal | null
  /** The request for some of its elements. */
  readonly only: (request: Request<A>, elements: E[]) => Request<A>
  readonly answers: (response: Response<A>) => readonly R[]
  /** The response with other answers. */
  readonly answered: (response: Response<A>, answers: R[]) => Response<A>
  /** The answer to one element; what is left out takes its default. */
  readonly refuse: (element: E, refusal: Refusal, version: number) => unknown
}

export function each<A extends Api, E, R> (shape: Elements<A, E, R>): Rule {
  return rule(shape.api, (request, context, next, gate) => partly(shape, request, context, next, gate))
}

export function partly<A extends Api, E, R> (
  shape: Elements<A, E, R>, request: Request<A>, context: Context, next: Dispatch, gate: Gate
): Promise<Response<A>> {
  const elements = shape.of(request)
  const unknown = shape.topicId === undefined ? null : unknownIds(elements, shape.topicId, gate)
  if (unknown !== null) return gate.names.learn(unknown, next, context).then(() => checked(shape, elements, request, context, next, gate))
  return checked(shape, elements, request, context, next, gate)
}

function unknownIds<E> (elements: readonly E[], idOf: (element: E) => string | null, gate: Gate): string[] | null {
  let unknown: string[] | null = null
  for (const element of elements) {
    const id = idOf(element)
    if (id !== null && gate.names.get(id) === undefined) (unknown ??= []).push(id)
  }
  return unknown
}

function checked<A extends Api, E, R> (
  shape: Elements<A, E, R>, elements: readonly E[], request: Request<A>, context: Context, next: Dispatch, gate: Gate
): Promise<Response<A>> {
  let refused: Array<Refusal | null> | null = null
  for (let i = 0; i < elements.length; i++) {
    const refusal = shape.check(elements[i]!, context, gate, request)
    if (refusal === null) continue
    refused ??= new Array<Refusal | null>(elements.length).fill(null)
    refused[i] = refusal
  }
  return refused === null ? next(shape.api, request, context) : split(shape, elements, refused, request, context, next, gate)
}

async function split<A extends Api, E, R> (
  shape: Elements<A, E, R>, elements: readonly E[], refused: ReadonlyArray<Refusal | null>, request: Request<A>, context: Context, next: Dispatch, gate: Gate
): Promise<Response<A>> {
  const { api } = shape
  gate.report(api, context, refused)
  const allowed = elements.filter((_element, i) => refused[i] === null)
  const response = allowed.length === 0 ? answerToNothing(api) : await next(api, shape.only(request, allowed), context)
  const answers = interleave(shape.answers(response), refused.map((refusal, i) =>
    refusal === null ? null : shape.refuse(elements[i]!, refusal, context.version) as R))
  return answerOf(api, shape.answered(response, answers) as ResponseInput<A>)
}

/** Nothing of the request is handed on. */
export function refuseAll<A extends Api, E, R> (
  shape: Elements<A, E, R>, refusal: Refusal, request: Request<A>, context: Context, gate: Gate
): Promise<Response<A>> {
  gate.report(shape.api, context, [refusal])
  const answers = shape.of(request).map(element => shape.refuse(element, refusal, context.version) as R)
  return Promise.resolve(answerOf(shape.api, shape.answered(answerToNothing(shape.api), answers) as ResponseInput<A>))
}

/**
 * Puts the answers to what was handed on into the places that the refused leave. Each answer names what it is about, so an
 * engine that answers in another order, or not to everything, is still understood.
 */
export function interleave<R> (answers: readonly R[], refused: ReadonlyArray<R | null>): R[] {
  const merged: R[] = []
  let next = 0
  for (const one of refused) {
    if (one !== null) merged.push(one)
    else if (next < answers.length) merged.push(answers[next++]!)
  }
  while (next < answers.length) merged.push(answers[next++]!)
  return merged
}

/** What an engine would answer to a request without elements, which none is bothered with: every field at its default. */
const answerToNothing = <A extends Api>(api: A): Response<A> => answerOf(api, {} as ResponseInput<A>)

/** Whole, as the engine's own answers are. */
export function answerOf<A extends Api> (api: A, response: ResponseInput<A>): Response<A> {
  return complete(api.response as Fields, response) as Response<A>
}

/** May a topic be used that is meant by name or, where that is empty, by an id whose name has been looked up? */
export function checkTopic (gate: Gate, context: Context, need: Need, name: string, id: string): Refusal | null {
  if (name !== '') return gate.check(context, need, name)
  const known = gate.names.get(id)
  if (known === undefined) return unknownTopicId(null, id)
  const refused = gate.check(context, need, known)
  if (refused === null) return null
  // Hidden: there is no topic of that id either.
  if (refused.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) return unknownTopicId(need, known)
  return withoutName(refused, id, context, gate)
}

/** Who knows the id of a topic, and no more, is not told its name. */
export function withoutName (refused: Refusal, id: string, context: Context, gate: Gate): Refusal {
  if (refused.need === null || gate.may(context, permissions.Metadata.topic, refused.resourceName)) return refused
  return { ...refused, message: `Not authorised: ${refused.need.operation} on the topic with the id ${id} is needed.` }
}
