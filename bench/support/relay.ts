/**
 * The ceiling for a gateway: hands bytes on as they come, both ways, and looks at none. What a process in the middle costs.
 *
 *   node bench/support/relay.ts HOST:PORT
 */
import { connect, createServer, type AddressInfo } from 'node:net'

const [host, port] = process.argv[2]!.split(':')

const server = createServer({ noDelay: true }, client => {
  const broker = connect({ host, port: Number(port), noDelay: true })
  client.pipe(broker).pipe(client)
  for (const socket of [client, broker]) socket.on('error', () => { client.destroy(); broker.destroy() })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`127.0.0.1:${(server.address() as AddressInfo).port}\n`))
