// Requests the app of the guide, built by `next build`: as the standalone server, with a custom server, and
// as `next dev` with changes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { expectQueries } from '@sluice/core/testing'
import Sqlite from 'better-sqlite3'

const CITIES = 20
const folder = import.meta.dirname
const next = join(folder, 'node_modules/next/dist/bin/next')
const standalone = '.next/standalone/server.js'
// The standalone server changes the working directory.
process.env.DATABASE_FILE = join(folder, 'app.db')
const { cities } = await import('./lib/cities.js')
const { db } = await import('./lib/db.js')
const { sluice } = await import('./lib/sluice.js')

before(() => {
  const database = new Sqlite(process.env.DATABASE_FILE)
  database.exec(
    'CREATE TABLE region (id integer PRIMARY KEY, name text); CREATE TABLE city (id integer PRIMARY KEY, name text, region_id integer)',
  )
  for (let id = 1; id <= CITIES; id += 1) {
    database.prepare('INSERT INTO region VALUES (?, ?)').run(id, `Region ${id}`)
    database.prepare('INSERT INTO city VALUES (?, ?, ?)').run(id, `City ${id}`, CITIES + 1 - id)
  }
  database.close()
})

after(async () => {
  await sluice.close()
  await db.destroy()
})

test('has a budget', async () => {
  await expectQueries(() => db('city')).toBe(1)
  await assert.rejects(expectQueries(cities).toBeAtMost(3), /expected at most 3 queries, got 21/)
})

test('reports the N+1 queries of a route, a page and an action on the standalone server', () =>
  serve([standalone], {}, async (ask) => {
    assert.equal((await ask('/api/cities')).length, CITIES)
    assert.match(await ask('/cities'), /City 20/)
    assert.match(await ask('/nested'), /cities/)
    await submitAction(ask)
    const { patterns, statements, sluices, made } = await ask('/api/scopes')
    assert.deepEqual([...new Set(patterns.map(({ scope, count }) => `${scope} ${count}`))].sort(), [
      '/cities 20',
      'GET /api/cities 20',
    ])
    // Includes the second listing of the cities, and the update.
    assert.equal(statements, 4 * (CITIES + 1) + 1)
    assert.equal(sluices, 1)
    assert.ok(made > 1, 'lib/db.js was evaluated once: globalThis would not be needed')
  }))

test('merges them if instrumentation.js sets the mode', () =>
  serve([standalone], { SLUICE_MODE: 'optimize' }, async (ask) => {
    // The catalog is read with the first queries.
    await ask('/api/cities')
    const before = (await ask('/api/scopes')).statements
    assert.equal((await ask('/api/cities')).length, CITIES)
    assert.equal((await ask('/api/scopes')).statements - before, 2)
  }))

test('has the queries of components that render after the page in the scope of a custom server', () =>
  serve(['server.js'], { NODE_ENV: 'production' }, async (ask) => {
    await ask('/nested')
    const { patterns, sluices } = await ask('/api/scopes')
    assert.deepEqual(patterns, [{ scope: 'GET /nested', count: CITIES }])
    assert.equal(sluices, 1)
  }))

test('has one Sluice after changes under next dev', () =>
  serve([next, 'dev', '-H', '127.0.0.1'], { NODE_ENV: 'development' }, async (ask) => {
    await ask('/api/cities')
    const before = await ask('/api/scopes')
    for (const change of [1, 2, 3]) {
      for (const name of ['lib/db.js', 'lib/sluice.js']) appendFileSync(join(folder, name), `// ${change}\n`)
      await sleep(1_500)
      await ask('/api/cities')
    }
    const after = await ask('/api/scopes')
    assert.ok(
      after.made >= before.made + 3,
      `lib/db.js was evaluated ${after.made - before.made} times more, for 3 changes`,
    )
    assert.equal(after.sluices, 1)
    assert.equal(after.statements, before.statements + 3 * (CITIES + 1))
  }))

/** A form as a browser without JavaScript sends it. */
async function submitAction(ask) {
  const [action] = /\$ACTION_ID_\w+/.exec(await ask('/rename')) ?? []
  assert.notEqual(action, undefined, 'the form names no action')
  const body = new FormData()
  for (const [name, value] of Object.entries({ [action]: '', id: '7', name: 'Ghent' })) body.set(name, value)
  await ask('/rename', { method: 'POST', body })
  assert.equal((await ask('/api/cities'))[6].name, 'Ghent')
  assert.ok((await ask('/api/scopes')).scopes.includes('rename'))
}

async function serve(args, env, expectations) {
  const port = await freePort()
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, HOSTNAME: '127.0.0.1', ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const ask = async (path, request) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, request)
    assert.equal(response.status, 200, `${path}: ${response.status}`)
    return response.headers.get('content-type').includes('json') ? response.json() : response.text()
  }
  try {
    for (let tries = 0; tries < 300 && !(await ask('/api/scopes').catch(() => false)); tries += 1)
      await sleep(100)
    await expectations(ask)
  } catch (error) {
    console.error(output)
    throw error
  } finally {
    child.kill()
    await ended
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
