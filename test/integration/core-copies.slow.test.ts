import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const packages = join(import.meta.dirname, '../../packages')
const run = promisify(execFile)

/** An app whose middleware uses one copy of the core, and whose plugin uses the other. */
const APP = `
import { getDefaultSluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knexFactory from 'knex'

const db = withSluice(knexFactory({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true, pool: { min: 1, max: 1 } }))
await db.schema.createTable('region', (table) => void table.increments('id'))
for (let id = 1; id <= 8; id += 1) await db('region').insert({ id })

const sluice = getDefaultSluice()
const seen = []
sluice.on('scope', ({ name, queries, findings }) => seen.push({ name, queries, codes: findings.map(({ code }) => code) }))
await sluice.run(async () => {
  for (let id = 1; id <= 8; id += 1) await db('region').where({ id }).first()
}, { name: 'loop' })
const { createSluice } = await import(new URL('./node_modules/@sluice/knex/node_modules/@sluice/core/dist/index.cjs', import.meta.url).href)
const isOther = createSluice !== (await import('@sluice/core')).createSluice
await sluice.close()
await db.destroy()
console.log(JSON.stringify({ seen, isOther }))
`

let folder: string

/** A package as npm installs it: its published files, with its dependencies next to it. */
function install(name: string, at: string): void {
  const from = join(packages, name)
  mkdirSync(at, { recursive: true })
  for (const part of ['package.json', 'dist']) cpSync(join(from, part), join(at, part), { recursive: true })
}

function link(from: string, name: string): void {
  const at = join(folder, 'node_modules', name)
  if (existsSync(at)) return
  mkdirSync(dirname(at), { recursive: true })
  symlinkSync(join(from, name), at)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-copies-'))
  const modules = join(folder, 'node_modules')
  install('core', join(modules, '@sluice/core'))
  install('knex', join(modules, '@sluice/knex'))
  install('core', join(modules, '@sluice/knex/node_modules/@sluice/core'))
  for (const name of readdirSync(join(packages, 'core/node_modules')).filter((entry) => /^[a-z]/.test(entry)))
    link(join(packages, 'core/node_modules'), name)
  link(join(packages, 'knex/node_modules'), 'knex')
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'app.js'), APP)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('two copies of @sluice/core in one process', () => {
  it('share one default Sluice: scopes of one copy contain the queries of the other', async () => {
    const { stdout, stderr } = await run(process.execPath, ['app.js'], { cwd: folder })
    expect(JSON.parse(stdout)).toEqual({
      isOther: true,
      seen: [{ name: 'loop', queries: 8, codes: ['N_PLUS_ONE'] }],
    })
    expect(stderr).toBe('')
  })

  it('have separate default instances and warn when their major versions differ', async () => {
    const core = join(folder, 'node_modules/@sluice/knex/node_modules/@sluice/core/dist')
    const [file] = readdirSync(core).filter((name) => /^main-.*\.cjs$/.test(name))
    const path = join(core, file ?? '')
    // Like a build of a release with a higher major version.
    let places = 0
    const later = readFileSync(path, 'utf8').replaceAll(
      /\bslots\(\)\[1\]|\[1\](?==\{value\b)|Number\(\w+\)!==1\b/g,
      (found) => {
        places += 1
        return found.replace('1', '2')
      },
    )
    expect(places).toBe(3)
    writeFileSync(path, later)
    const { stdout, stderr } = await run(process.execPath, ['app.js'], { cwd: folder })
    expect(JSON.parse(stdout).seen).toEqual([{ name: 'loop', queries: 0, codes: [] }])
    expect(stderr.match(/SluiceWarning: Several major versions/g)).toHaveLength(1)
  })
})
