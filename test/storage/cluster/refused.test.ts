/**
 * A user whom the cluster does not know, or for whom nobody goes there, is told so in the answer to each request: a connection that
 * is cut says nothing, and clients would come back for ever.
 */
import t from 'tap'
import { apiOf } from '../../../protocol/apis.ts'
import { complete } from '../../../protocol/defaults.ts'
import { KafkaError } from '../../../protocol/errors.ts'
import { internalPrincipal, neverAborted } from '../../../protocol/rpc.ts'
import type { Api, Fields, Request } from '../../../protocol/schema.ts'
import { errorVisitor } from '../../../src/policies/error-visitor.ts'
import { samplesFor } from '../../src/policies/permission-samples.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { nameOf, openEngine, plain } from './support.ts'

/** Lists of what one may see are empty, and who has no session has nothing to acknowledge. */
const quiet = new Set(['Metadata listed', 'DescribeTopicPartitions listed', 'ShareAcknowledge group', 'ShareAcknowledge topic'])

t.test('every request of one who may not go there is answered, and says so', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const { id } = cluster.topic('orders', [0, 1])
  const refusal = new KafkaError('CLUSTER_AUTHORIZATION_FAILED', 'Nobody goes there for you.')
  const engine = await openEngine(t, cluster, { passAdministration: true }, {
    security: {
      connect: plain.connect,
      identityFor (principal) {
        if (principal !== internalPrincipal) throw refusal
        return plain.identityFor(principal)
      }
    }
  })
  const samples = samplesFor(new Map([['orders', id]])) as Readonly<Record<string, Readonly<Record<string, object>>>>
  const connection = {}
  let asked = 0
  for (const [key, [, version]] of engine.supports) {
    const api = apiOf(key)!
    for (const [what, sample] of Object.entries(samples[api.name] ?? {})) {
      asked++
      const request = complete(api.request as Fields, structuredClone(sample)) as Request<Api>
      const answer = await engine.dispatch(api, request, {
        principal: { type: 'User', name: 'mallory' }, door: 'kafka', clientId: '', address: '', version, connection, signal: neverAborted, throttleMs: 0
      })
      const found = new Set<string>()
      errorVisitor(api.response)(answer, code => found.add(nameOf(code)))
      const isTold = found.has('CLUSTER_AUTHORIZATION_FAILED') || found.has('TOPIC_AUTHORIZATION_FAILED')
      t.ok(isTold || quiet.has(`${api.name} ${what}`), `${api.name} v${version}, ${what}: ${[...found].join(' ')}`)
    }
  }
  t.ok(asked > 60, `${asked} requests`)
})
