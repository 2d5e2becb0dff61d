import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)

/** Adds the chunks of the core that Node has loaded, without their hashes, to what the program prints. */
const LOADED = `
import { createRequire } from 'node:module'
const { cache } = createRequire(import.meta.url)
const lateChunks = () =>
  Object.keys(cache).flatMap((file) => /core[\\\\/]dist[\\\\/]late-([a-z]+)-/.exec(file)?.[1] ?? []).sort()
`

const OBSERVED = `${LOADED}
import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knexFactory from 'knex'

const imported = lateChunks()
const sluice = createSluice({ mode: 'observe' })
const db = withSluice(knexFactory({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true }), sluice)
await db.schema.createTable('region', (table) => void table.increments('id'))
await db('region').insert([{ id: 1 }, { id: 2 }])
const reports = []
sluice.on('scope', ({ queries, findings }) => reports.push({ queries, codes: findings.map(({ code }) => code) }))
for (const name of ['load regions', 'GET /regions'])
  await sluice.run(async () => {
    for (let id = 1; id <= 8; id += 1) await db('region').where({ id }).first()
  }, { name })
console.log(JSON.stringify({ imported, reports, loaded: lateChunks() }))
await sluice.close()
await db.destroy()
`

const USED = `${LOADED}
import { createSluice } from '@sluice/core'

const sluice = createSluice({ mode: 'optimize' })
const uses = {
  balancing: () => sluice.balancer.registerNode('localhost', 80),
  cache: () => sluice.cache.set('region', '7', 'value'),
  database: () => sluice.database,
  jobs: () => sluice.jobs.createQueue('mail'),
  monitoring: () => sluice.monitor.recordMetric('requests', 1, 'a'),
  queries: () => sluice.queries,
  scaling: () => sluice.monitor.createScalingPolicy('more', 'cpu', 80, 'up'),
}
const loaded = {}
for (const [name, use] of Object.entries(uses)) {
  const before = lateChunks()
  use()
  loaded[name] = lateChunks().filter((chunk) => !before.includes(chunk))
}
console.log(JSON.stringify(loaded))
await sluice.close()
`

async function print(program: string): Promise<unknown> {
  const args = ['--input-type=module', '-e', program]
  const { stdout } = await run(process.execPath, args, { cwd: `${import.meta.dirname}/..` })
  return JSON.parse(stdout)
}

describe('the built core', () => {
  it('loads no engine except the metrics of requests when an app observes and reports its scopes', async () => {
    const report = { queries: 8, codes: ['N_PLUS_ONE'] }
    expect(await print(OBSERVED)).toEqual({
      imported: [],
      reports: [report, report],
      loaded: ['monitoring'],
    })
  })

  it('loads the code of an engine synchronously when the engine is first used', async () => {
    expect(await print(USED)).toEqual({
      balancing: ['balancing'],
      cache: ['cache'],
      database: ['database'],
      jobs: ['jobs'],
      monitoring: ['monitoring'],
      queries: ['queries'],
      scaling: ['scaling'],
    })
  })
})
