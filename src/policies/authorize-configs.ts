/**
 * Configurations: of topics and groups by their names, of brokers and whatever else there may be as part of the cluster.
 */
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { each, type Rule } from './authorize-elements.ts'
import { permissions, type Need } from './permissions.ts'

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

export const configRules: readonly Rule[] = [describeConfigs, incrementalAlterConfigs]
