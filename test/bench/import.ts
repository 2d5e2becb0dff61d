// The cost of importing the packages in a process that does nothing else, compared with importing Knex and
// packages for parts of the same purpose; and of the first Sluice. On Node 22.1 or later, also with a warm
// compile cache of V8, which all of them use.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { benchOptions, type Figure } from './harness.ts'

const run = promisify(execFile)

/** CPU of importing the core relative to that of importing Knex; with the compile cache where Node has it. */
const hasCompileCache = 'enableCompileCache' in module
const TARGET = hasCompileCache ? 0.3 : 0.4

const ENTRIES = [
  'knex',
  '@sluice/core',
  '@sluice/knex',
  '@sluice/prisma',
  '@sluice/express',
  '@sluice/fastify',
  '@sluice/http',
  '@sluice/http/proxy',
  'bentocache',
  'bullmq',
  'prom-client',
]

const PROGRAM = `
const cpuMs = async (work) => {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { result, ms: (user + system) / 1000 }
}
const imported = await cpuMs(() => import(process.argv[1]))
const { createSluice } = imported.result
const created = createSluice ? await cpuMs(() => createSluice({})) : { ms: 0 }
console.log(JSON.stringify([imported.ms, created.ms]))
process.exit()`

async function sample(
  entry: string,
  compileCache: string | undefined,
): Promise<readonly [importMs: number, createMs: number]> {
  const { NODE_COMPILE_CACHE, ...env } = process.env
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', PROGRAM, entry], {
    cwd: `${import.meta.dirname}/..`,
    env: compileCache === undefined ? env : { ...env, NODE_COMPILE_CACHE: compileCache },
  })
  return JSON.parse(stdout) as [number, number]
}

const { json, quick } = benchOptions()
const rounds = quick ? 5 : 21
const cache = hasCompileCache ? mkdtempSync(join(tmpdir(), 'sluice-compiled-')) : undefined
const ways = cache === undefined ? ['plain'] : ['plain', 'cached']
const samples = new Map<string, (readonly [number, number])[]>()
try {
  // Fills the cache.
  if (cache !== undefined) for (const entry of ENTRIES) await sample(entry, cache)
  for (let round = 0; round < rounds; round += 1)
    for (const entry of ENTRIES)
      for (const way of ways) {
        const known = samples.get(way + entry) ?? []
        samples.set(way + entry, known)
        known.push(await sample(entry, way === 'cached' ? cache : undefined))
      }
} finally {
  if (cache !== undefined) rmSync(cache, { recursive: true })
}

// The minimum CPU time is closest to the truth: other work on the machine only adds to it.
const least = (way: string, entry: string, at: 0 | 1) =>
  Math.min(...(samples.get(way + entry) ?? []).map((one) => one[at]))
const judged = ways.at(-1) ?? 'plain'
const knexMs = least(judged, 'knex', 0)
const value = least(judged, '@sluice/core', 0) / knexMs
const figure: Figure = {
  area: 'import',
  id: hasCompileCache ? 'core-over-knex-cached' : 'core-over-knex',
  value,
  unit: '×',
  target: TARGET,
  ok: value <= TARGET,
  against: { knexMs },
}
if (json) console.log(JSON.stringify(figure))
else {
  console.log(
    `Node ${process.version}, the least of ${rounds} interleaved rounds, CPU time, each in a fresh process`,
  )
  for (const way of ways) {
    if (way === 'cached') console.log('With a warm compile cache (NODE_COMPILE_CACHE)')
    for (const entry of ENTRIES) {
      const ms = least(way, entry, 0)
      const ratio = (ms / least(way, 'knex', 0)).toFixed(2)
      console.log(`  ${entry.padEnd(20)} ${ms.toFixed(1).padStart(6)} ms   × ${ratio}`)
    }
    console.log(
      `  ${'createSluice({})'.padEnd(20)} ${least(way, '@sluice/core', 1).toFixed(1).padStart(6)} ms`,
    )
  }
  console.log(
    `  ${figure.ok ? 'met   ' : 'MISSED'} ${figure.id}: ${value.toFixed(2)} × (target ≤ ${TARGET} ×)`,
  )
}
