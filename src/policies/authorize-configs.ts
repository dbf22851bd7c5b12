/**
 * Configurations: of topics and groups by their names, of brokers and whatever else there may be as part of the cluster.
 */
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { AlterConfigs } from '../../protocol/messages/33-alter-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { ListConfigResources } from '../../protocol/messages/74-list-config-resources.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { answerOf, each, rule, type Rule } from './authorize-elements.ts'
import { isHidden, permissions, type Need } from './permissions.ts'

/** Kafka's ConfigResource types; all others belong to the cluster. */
const TOPIC = 2
const GROUP = 32

interface Resource { readonly resourceType: number, readonly resourceName: string }
interface ConfigNeeds { readonly topic: Need, readonly group: Need, readonly cluster: Need }

function check ({ resourceType, resourceName }: Resource, needs: ConfigNeeds, context: Context, gate: Gate): Refusal | null {
  switch (resourceType) {
    case TOPIC: return gate.check(context, needs.topic, resourceName)
    case GROUP: return gate.check(context, needs.group, resourceName)
    default: return gate.checkCluster(context, needs.cluster)
  }
}

const describeConfigs = each({
  api: DescribeConfigs,
  of: ({ resources }) => resources,
  check: (resource, context, gate) => check(resource, permissions.DescribeConfigs, context, gate),
  only: (request, resources) => ({ ...request, resources }),
  answers: ({ results }) => results,
  answered: (response, results: Response<typeof DescribeConfigs>['results']) => ({ ...response, results }),
  refuse: ({ resourceType, resourceName }, { errorCode, message }) => ({ errorCode, errorMessage: message, resourceType, resourceName, configs: [] })
})

const incrementalAlterConfigs = each({
  api: IncrementalAlterConfigs,
  of: ({ resources }) => resources,
  check: (resource, context, gate) => check(resource, permissions.IncrementalAlterConfigs, context, gate),
  only: (request, resources) => ({ ...request, resources }),
  answers: ({ responses }) => responses,
  answered: (response, responses: Response<typeof IncrementalAlterConfigs>['responses']) => ({ ...response, responses }),
  refuse: ({ resourceType, resourceName }, { errorCode, message }) => ({ errorCode, errorMessage: message, resourceType, resourceName })
})

const alterConfigs = each({
  api: AlterConfigs,
  of: ({ resources }) => resources,
  check: (resource, context, gate) => check(resource, permissions.AlterConfigs, context, gate),
  only: (request, resources) => ({ ...request, resources }),
  answers: ({ responses }) => responses,
  answered: (response, responses: Response<typeof AlterConfigs>['responses']) => ({ ...response, responses }),
  refuse: ({ resourceType, resourceName }, { errorCode, message }) => ({ errorCode, errorMessage: message, resourceType, resourceName })
})

const listConfigResources = rule(ListConfigResources, async (request, context, next, gate) => {
  const refused = gate.checkCluster(context, permissions.ListConfigResources.cluster)
  if (refused !== null) {
    gate.report(ListConfigResources, context, [refused])
    return answerOf(ListConfigResources, { errorCode: refused.errorCode, configResources: [] })
  }
  const response = await next(ListConfigResources, request, context)
  return {
    ...response,
    configResources: response.configResources.filter(({ resourceType, resourceName }) => resourceType !== TOPIC || !isHidden(resourceName))
  }
})

export const configRules: readonly Rule[] = [describeConfigs, incrementalAlterConfigs, alterConfigs, listConfigResources]
