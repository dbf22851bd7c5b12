/**
 * Writes `docs/protocol-support.md`: npm run docs:protocol
 */
import { writeFileSync } from 'node:fs'
import { supportDocument } from './protocol/support.ts'

writeFileSync(new URL('../docs/protocol-support.md', import.meta.url), supportDocument())
