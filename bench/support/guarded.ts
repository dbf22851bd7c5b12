/**
 * Users, rules and quotas for what is measured, over REST; and connections that have shown who they are.
 */
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { Connection } from '../../test/engine/connection.ts'

export const PASSWORD = 'bench-secret'

export const basic = (user: string): string => `Basic ${btoa(`${user}:${PASSWORD}`)}`

/** What `admin` does; everyone has the same password. */
export class Administrator {
  readonly #http: string

  constructor (http: string) {
    this.#http = http
  }

  async addUser (name: string): Promise<void> {
    await this.#send('PUT', `/users/${name}`, { password: PASSWORD })
  }

  async allow (user: string, prefix: string, ...operations: readonly string[]): Promise<void> {
    const { data } = JSON.parse(await this.#send('GET', '/v3/clusters')) as { data: { cluster_id: string }[] }
    await this.#send('POST', `/v3/clusters/${data[0]!.cluster_id}/acls:batch`, {
      data: operations.map(operation => ({
        resource_type: 'TOPIC', resource_name: prefix, pattern_type: 'PREFIXED', principal: `User:${user}`, host: '*', operation, permission: 'ALLOW'
      }))
    })
  }

  async setQuotas (user: string, quotas: Readonly<Record<string, number>>): Promise<void> {
    await this.#send('PUT', '/quotas', { entity: { user }, quotas })
  }

  async createTopic (topic: string, partitions = 1): Promise<void> {
    await this.#send('PUT', `/topics/${topic}`, { partitions })
  }

  async #send (method: string, path: string, body?: object): Promise<string> {
    const response = await fetch(this.#http + path, {
      method,
      headers: { authorization: basic('admin'), 'content-type': 'application/json' },
      ...body !== undefined && { body: JSON.stringify(body) }
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text
  }
}

/** A connection to `HOST:PORT`, of a user if one is named. */
export async function connectAs (kafka: string, user: string | null): Promise<Connection> {
  const [host, port] = kafka.split(':') as [string, string]
  const connection = await Connection.open(Number(port), host)
  if (user === null) return connection
  const handshake = await connection.send(SaslHandshake, 1, { mechanism: 'PLAIN' })
  const { errorCode, errorMessage } = await connection.send(SaslAuthenticate, 2, { authBytes: Buffer.from(`\0${user}\0${PASSWORD}`) })
  if (handshake.errorCode !== 0 || errorCode !== 0) throw new Error(`${user}: ${handshake.errorCode} ${errorCode} ${errorMessage}`)
  return connection
}
