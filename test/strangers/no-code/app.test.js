import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const lines = readFileSync('app.js', 'utf8').split('\n')
const fixes = {
  knex: "db('authors').whereIn('id', keys)",
  kysely: "db.selectFrom('authors').selectAll().where('id', 'in', keys)",
  drizzle: 'where(inArray(authors.id, keys))',
  typeorm: 'find({ where: { id: In(keys) } })',
}

function run(command, args) {
  const { NODE_OPTIONS: _, NODE_ENV: __, ...env } = process.env
  return spawnSync(command, args, { encoding: 'utf8', env })
}

for (const [client, fix] of Object.entries(fixes))
  test(`sluice run attaches to ${client} in an app that does not know it`, () => {
    const app = ['node', 'app.js', client, `${client}.sqlite`]
    const bare = run(app[0], app.slice(1))
    assert.equal(bare.status, 0, bare.stderr)
    assert.match(bare.stdout, /Author 20/)
    const observed = run('npx', ['sluice', 'run', '--fail-on', 'n+1', '--', ...app])
    assert.deepEqual([observed.status, observed.stdout], [1, bare.stdout], observed.stderr)
    const { 1: summary = '' } = observed.stderr.split('sluice run   ')
    assert.match(summary, /^1 finding in 1 process/)
    assert.match(summary, /GET \/teams\/:team\/authors {3}21 queries → 2 possible {3}seen 3 times/)
    const line = lines.findIndex((text) => text.endsWith(`// the query of ${client}`)) + 1
    assert.match(summary, new RegExp(`at {3}app\\.js:${line}:`))
    // A fix is wrapped at the width of a terminal.
    assert.ok(summary.replace(/\s+/g, ' ').includes(fix), summary)
    const optimized = run('npx', ['sluice', 'run', '--mode', 'optimize', '--', ...app])
    assert.deepEqual([optimized.status, optimized.stdout], [0, bare.stdout], optimized.stderr)
  })
