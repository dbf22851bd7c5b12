/**
 * Configurations. Those of topics and of the whole cluster are the cluster's own. A virtual broker shows those of some
 * broker, without what would tell where it is; it has none of its own that could be changed.
 */
import { errors } from '../../protocol/errors.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { AlterConfigs } from '../../protocol/messages/33-alter-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import type { Api, Request, Response, ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import { askAny } from './coordinators.ts'
import { failedBy, route, send, type Call, type Failed, type Route } from './route.ts'

const BROKER = 4
const BROKER_LOGGER = 8
const LOST = ['NOT_CONTROLLER', 'REQUEST_TIMED_OUT'] as const

interface Resource { readonly resourceType: number, readonly resourceName: string }

/** Names one broker; the empty name is the default of all of them. */
const namesBroker = ({ resourceType, resourceName }: Resource): boolean =>
  (resourceType === BROKER || resourceType === BROKER_LOGGER) && resourceName !== ''

/** What tells where brokers are, how they are called and reached, and where their files lie. */
const veiled: ReadonlySet<string> = new Set([
  'listeners', 'advertised.listeners', 'controller.quorum.voters', 'controller.quorum.bootstrap.servers', 'zookeeper.connect', 'node.id', 'broker.id',
  'broker.rack', 'host.name', 'port', 'advertised.host.name', 'advertised.port', 'inter.broker.listener.name', 'control.plane.listener.name',
  'controller.listener.names', 'early.start.listeners', 'listener.security.protocol.map', 'max.connections.per.ip.overrides', 'super.users'
])

const describeConfigs = route(DescribeConfigs, async (request, call) => {
  const { virtual } = call.router
  const strange = request.resources.filter(one => namesBroker(one) && !virtual.has(Number(one.resourceName)))
  const wanted = request.resources.filter(one => !strange.includes(one))
  const refused = strange.map(({ resourceType, resourceName }) => ({
    errorCode: errors.INVALID_REQUEST,
    errorMessage: `There is no broker ${resourceName} here.`,
    resourceType,
    resourceName,
    configs: []
  }))
  if (wanted.length === 0) return { results: refused }
  try {
    const response = await askAny(call.router.cluster, call.caller, broker => describe(broker, { ...request, resources: wanted }, call))
    return { ...response, results: [...response.results, ...refused] }
  } catch (error) {
    const { errorCode, errorMessage } = failedBy(error, LOST)
    return { results: request.resources.map(({ resourceType, resourceName }) => ({ errorCode, errorMessage, resourceType, resourceName, configs: [] })) }
  }
})

async function describe (broker: Broker, request: Request<typeof DescribeConfigs>, call: Call): Promise<Response<typeof DescribeConfigs>> {
  // A broker knows its own configuration only.
  if (broker.id < 0) {
    await call.router.cluster.refresh([])
    const [known] = call.router.cluster.anyBrokers(null)
    if (known !== undefined && known.id >= 0) return await describe(known, request, call)
  }
  const resources = request.resources.map(one => namesBroker(one) ? { ...one, resourceName: String(broker.id) } : one)
  const response = await send(broker, DescribeConfigs, { ...request, resources }, call)
  response.results.forEach((result, i) => {
    const asked = request.resources[i]
    if (asked === undefined || result.resourceType !== asked.resourceType) return
    result.resourceName = asked.resourceName
    if (asked.resourceType === BROKER) result.configs = result.configs.filter(({ name }) => !isVeiled(name))
  })
  return response
}

/** With the prefix of a listener, too: `listener.name.NAME.` */
const isVeiled = (name: string): boolean => veiled.has(name) || name.startsWith('listener.name.')

type Altering = typeof AlterConfigs | typeof IncrementalAlterConfigs

function altering<A extends Altering> (api: A): Route {
  return route(api as Api, async (given, call) => {
    const request = given as Request<A>
    const all = request.resources as readonly Resource[]
    const failed = (one: Resource, { errorCode, errorMessage }: Failed) =>
      ({ errorCode, errorMessage, resourceType: one.resourceType, resourceName: one.resourceName })
    const refused = all.filter(namesBroker).map(one => failed(one, {
      errorCode: errors.INVALID_REQUEST,
      errorMessage: 'A gateway is no broker, and has no configuration of its own here: change the default of all brokers, whose name is empty.'
    }))
    const wanted = all.filter(one => !namesBroker(one))
    if (wanted.length === 0) return { responses: refused } as unknown as ResponseInput<Api>
    const { cluster } = call.router
    try {
      const part = { ...request, resources: wanted } as unknown as Request<A>
      const controller = cluster.controller ?? (await cluster.refresh([]), cluster.controller) ?? cluster.anyBrokers(null)[0]!
      const response = await send(controller, api as Api, part as Request<Api>, call) as unknown as Response<A>
      return { ...response, responses: [...response.responses, ...refused] } as unknown as ResponseInput<Api>
    } catch (error) {
      const failure = failedBy(error, LOST)
      cluster.suspect([])
      return { responses: [...wanted.map(one => failed(one, failure)), ...refused] } as unknown as ResponseInput<Api>
    }
  })
}

export const configRoutes: readonly Route[] = [describeConfigs, altering(AlterConfigs), altering(IncrementalAlterConfigs)]
