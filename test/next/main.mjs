// Builds the Next.js app of the guide with the packages as published, and requests it: as `next dev` with
// changes, as the standalone server, and with a custom server. Takes about a minute and needs npm's registry,
// so run it manually: `pnpm run build && pnpm examples:next`.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'

const CITIES = 20
const NEXT = 'next@16.4.6'
const REACT = '19.2.0'
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'sluice-next-'))
const file = join(folder, 'app.db')
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', DATABASE_FILE: file, HOSTNAME: '127.0.0.1' }
const next = join(folder, 'node_modules/next/dist/bin/next')

try {
  const startedAt = performance.now()
  await install()
  makeDatabase()
  await run(process.execPath, [next, 'build'], { cwd: folder, env })
  console.log(`built in ${seconds(startedAt)}`)
  await check('the standalone server', ['.next/standalone/server.js'], {}, checkScopes)
  await check(
    'the same, optimizing',
    ['.next/standalone/server.js'],
    { SLUICE_MODE: 'optimize' },
    checkMerged,
  )
  await check('a custom server', ['server.js'], { NODE_ENV: 'production' }, checkNested)
  await check(
    'next dev, with changes',
    [next, 'dev', '-H', '127.0.0.1'],
    { NODE_ENV: 'development' },
    checkReloads,
  )
  console.log(`all in ${seconds(startedAt)}`)
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function install() {
  cpSync(join(import.meta.dirname, 'app'), folder, { recursive: true })
  for (const name of ['core', 'knex', 'http', 'express'])
    await run('npx', ['--yes', 'pnpm@10.34.9', 'pack', '--pack-destination', folder], {
      cwd: join(root, 'packages', name),
    })
  const packs = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  const sqlite = realpathSync(join(root, 'test/node_modules/better-sqlite3'))
  const { version } = JSON.parse(readFileSync(join(sqlite, 'package.json'), 'utf8'))
  const others = [
    NEXT,
    `react@${REACT}`,
    `react-dom@${REACT}`,
    'knex@3',
    'express@5',
    `better-sqlite3@${version}`,
  ]
  await run(
    'npm',
    [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...packs.map((pack) => `./${pack}`),
      ...others,
    ],
    {
      cwd: folder,
    },
  )
  // Uses the binary of this repository.
  cpSync(
    join(sqlite, 'build/Release/better_sqlite3.node'),
    join(folder, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'),
  )
}

function makeDatabase() {
  const database = new Sqlite(file)
  database.exec(
    'CREATE TABLE region (id integer PRIMARY KEY, name text); CREATE TABLE city (id integer PRIMARY KEY, name text, region_id integer)',
  )
  for (let id = 1; id <= CITIES; id += 1) {
    database.prepare('INSERT INTO region VALUES (?, ?)').run(id, `Region ${id}`)
    database.prepare('INSERT INTO city VALUES (?, ?, ?)').run(id, `City ${id}`, CITIES + 1 - id)
  }
  database.close()
}

async function checkScopes(ask) {
  assert.equal((await ask('/api/cities')).length, CITIES)
  assert.match(await ask('/cities'), /City 20/)
  assert.match(await ask('/nested'), /cities/)
  await checkAction(ask)
  const { patterns, statements, sluices, made } = await ask('/api/scopes')
  assert.deepEqual([...new Set(patterns.map(({ scope, count }) => `${scope} ${count}`))].sort(), [
    '/cities 20',
    'GET /api/cities 20',
  ])
  // Includes the second listing of the cities, and the update.
  assert.equal(statements, 4 * (CITIES + 1) + 1)
  assert.equal(sluices, 1)
  assert.ok(made > 1, 'lib/db.js was evaluated once: globalThis would not be needed')
}

async function checkMerged(ask) {
  // The catalog is read with the first queries.
  await ask('/api/cities')
  const before = (await ask('/api/scopes')).statements
  assert.equal((await ask('/api/cities')).length, CITIES)
  assert.equal((await ask('/api/scopes')).statements - before, 2)
}

/** A form as a browser without JavaScript sends it. */
async function checkAction(ask) {
  const [action] = /\$ACTION_ID_\w+/.exec(await ask('/rename')) ?? []
  assert.notEqual(action, undefined, 'the form names no action')
  const body = new FormData()
  for (const [name, value] of Object.entries({ [action]: '', id: '7', name: 'Ghent' })) body.set(name, value)
  await ask('/rename', { method: 'POST', body })
  assert.equal((await ask('/api/cities'))[6].name, 'Ghent')
  assert.ok((await ask('/api/scopes')).scopes.includes('rename'))
}

/** The middleware's scope contains queries of components that render after the page's function. */
async function checkNested(ask) {
  await ask('/nested')
  const { patterns, sluices } = await ask('/api/scopes')
  assert.deepEqual(patterns, [{ scope: 'GET /nested', count: CITIES }])
  assert.equal(sluices, 1)
}

async function checkReloads(ask) {
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
}

async function check(what, args, more, expectations) {
  const port = await freePort()
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...env, ...more, PORT: String(port) },
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
    console.log(`✓ ${what}`)
  } catch (error) {
    console.error(output)
    throw new Error(`${what}: ${error.message}`, { cause: error })
  } finally {
    child.kill()
    await ended
  }
}

async function run(command, args, options) {
  try {
    await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024, ...options })
  } catch (error) {
    throw new Error(`${command} ${args[0]} in ${dirname(options.cwd)}: ${error.stderr || error.stdout}`, {
      cause: error,
    })
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

function seconds(since) {
  return `${Math.round((performance.now() - since) / 1_000)} s`
}
