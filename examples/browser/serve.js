/**
 * Serves the page beside this file, because a page that is opened as a file has no origin that a server could know.
 *
 *   node examples/browser/serve.js [PORT]
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const page = readFileSync(new URL('index.html', import.meta.url))
const server = createServer((_request, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(page))
server.listen(Number(process.argv[2] ?? 8083), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
