#!/usr/bin/env node
import './runtime.js'
import './compile-cache.js'
const { main } = await import('../src/main.ts')
await main(process.argv.slice(2))
