/**
 * Writes `docs/permissions.md`: npm run docs:permissions
 */
import { writeFileSync } from 'node:fs'
import { permissionDocument } from './permissions/document.ts'

writeFileSync(new URL('../docs/permissions.md', import.meta.url), permissionDocument())
