import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { REGISTER, run } from './run-app.ts'

/** The patched files of packages. */
const FILES = [
  'better-sqlite3/lib/index.js',
  'graphql/execution/execute.js',
  'knex/lib/knex-builder/make-knex.js',
  'kysely/dist/cjs/kysely.js',
  'mariadb/promise.js',
  'mysql/lib/Pool.js',
  'mysql2/lib/base/pool.js',
  'pg-pool/index.js',
  'pg/lib/index.js',
  'postgres/cjs/src/query.js',
  'sequelize/lib/dialects/abstract/connection-manager.js',
  'sequelize/lib/index.js',
  'typeorm/driver/mysql/MysqlDriver.js',
  'typeorm/driver/mysql/MysqlQueryRunner.js',
  'typeorm/index.js',
]

/** Packages that an app can also load by their folders, with their main files. */
const MAINS = {
  '@libsql/client': 'lib-cjs/node.js',
  'better-sqlite3': 'lib/index.js',
  mariadb: 'promise.js',
  pg: 'lib/index.js',
  'pg-pool': 'index.js',
  sequelize: 'lib/index.js',
  typeorm: 'index.js',
}

/** A module that adds the request for it to `seen` when its exports are read or listed. */
const SPY = `const own = function () {}
const saw = () => void seen.add(request)
module.exports = new Proxy(own, { get: saw, ownKeys: (own) => saw() ?? Reflect.ownKeys(own) })
exportsOf.set(request, module.exports)`

const REQUIRE = `Object.assign(globalThis, { seen: new Set(), exportsOf: new Map() })
for (globalThis.request of requests)
  if (require(request) !== exportsOf.get(request)) seen.add(request)
console.log(JSON.stringify([...seen]))`

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-packages-'))
})
afterAll(() => rmSync(root, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(root, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

/** Lets an app require files and folders. Returns those to which Sluice attaches. */
async function seenOf(requests: readonly string[]): Promise<unknown> {
  const app = write('app.cjs', `const requests = ${JSON.stringify(requests)}\n${REQUIRE}`)
  const { stdout } = await run(app, REGISTER)
  return JSON.parse(stdout)
}

it.each(['', 'node_modules/other/', '.yarn/cache/one-npm-1.0.0-abc.zip/'])(
  'attaches to packages in "%s"',
  async (folder) => {
    const files = FILES.map((name) => write(`${folder}node_modules/${name}`, SPY))
    expect(await seenOf(files)).toEqual(files)
  },
)

it('attaches to no other package whose name ends as that of a client', async () => {
  const prefixes = ['@nestjs/', 'fastify-']
  const files = prefixes.flatMap((prefix) => FILES.map((name) => write(`node_modules/${prefix}${name}`, SPY)))
  expect(await seenOf(files)).toEqual([])
})

it('attaches to packages that are required by the paths of their folders, and of links to them', async () => {
  const folders = Object.entries(MAINS).map(([name, main]) => {
    write(`store/node_modules/${name}/${main}`, SPY)
    return dirname(write(`store/node_modules/${name}/package.json`, JSON.stringify({ main })))
  })
  const linked = join(root, 'linked')
  symlinkSync(join(root, 'store/node_modules'), linked)
  const link = join(linked, 'typeorm/index.js')
  expect(await seenOf(folders)).toEqual(folders)
  expect(await seenOf([link])).toEqual([link])
})

it('hooks no ES module of another package whose path ends as that of a client', async () => {
  const file = write('node_modules/@nestjs/kysely/dist/esm/index.js', 'export const one = 1')
  write('node_modules/@nestjs/kysely/package.json', '{ "type": "module" }')
  const app = write('app.mjs', `console.log(Object.keys(await import(${JSON.stringify(file)})))`)
  expect((await run(app, REGISTER)).stdout).toBe("[ 'one' ]\n")
})
