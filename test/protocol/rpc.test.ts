import t from 'tap'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { complete } from '../../protocol/defaults.ts'
import { anonymous, compose, neverAborted, newest, on, type Context, type Dispatch, type Policy } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'

const context: Context = {
  principal: anonymous, door: 'internal', clientId: 'test', address: '127.0.0.1', version: 4, signal: neverAborted, throttleMs: 0
}
const heartbeat = complete(Heartbeat.request, { groupId: 'g', generationId: 1, memberId: 'm' })

/** An engine that answers everything with `errorCode` and says what it was asked. */
function engine (asked: string[], errorCode = 0): Dispatch {
  return async <A extends Api>(api: A, request: Request<A>): Promise<Response<A>> => {
    asked.push(`${api.name} ${JSON.stringify(request)}`)
    return { throttleTimeMs: 0, errorCode } as unknown as Response<A>
  }
}

t.test('the first policy sees a request first and its response last', async t => {
  const steps: string[] = []
  const policy = (name: string): Policy => next => async (api, request, context) => {
    steps.push(`${name} in`)
    const response = await next(api, request, context)
    steps.push(`${name} out`)
    return response
  }
  const asked: string[] = []
  await compose(engine(asked), policy('a'), policy('b'))(Heartbeat, heartbeat, context)
  t.strictSame(steps, ['a in', 'b in', 'b out', 'a out'])
  t.equal(asked.length, 1)
})

t.test('without policies the engine answers', async t => {
  t.match(await compose(engine([], 27))(Heartbeat, heartbeat, context), { errorCode: 27 })
})

t.test('a policy about one api changes its request and its response', async t => {
  const asked: string[] = []
  const dispatch = compose(engine(asked), on(Heartbeat, async (request, given, next) => {
    t.equal(given, context)
    const response = await next({ ...request, groupId: `tenant-${request.groupId}` })
    return { ...response, errorCode: response.errorCode + 1 }
  }))
  t.match(await dispatch(Heartbeat, heartbeat, context), { errorCode: 1 })
  t.match(asked, [/^Heartbeat .*"groupId":"tenant-g"/])
})

t.test('it may answer without the engine', async t => {
  const asked: string[] = []
  const dispatch = compose(engine(asked), on(Heartbeat, async () => ({ throttleTimeMs: 0, errorCode: 30 })))
  t.match(await dispatch(Heartbeat, heartbeat, context), { errorCode: 30 })
  t.strictSame(asked, [])
})

t.test('every other request passes it by untouched', async t => {
  const asked: string[] = []
  const dispatch = compose(engine(asked), on(Heartbeat, async () => { throw new Error('not for this policy') }))
  await dispatch(Metadata, complete(Metadata.request, { topics: null }), context)
  t.match(asked, [/^Metadata /])
})

t.test('an error of the engine goes through the policies', async t => {
  const dispatch = compose(async () => { throw new RangeError('broken') }, on(Heartbeat, async (request, _, next) => next(request)))
  await t.rejects(dispatch(Heartbeat, heartbeat, context), RangeError)
})

t.test('the newest version is the last of an api\'s range', async t => {
  t.equal(newest(Heartbeat), 4)
})
