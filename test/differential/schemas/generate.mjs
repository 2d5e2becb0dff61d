// Writes generated/schemas/<place>-<provider>/ for each random schema: schema.prisma, the Prisma client,
// Sluice's schema data, the DDL. Needs built packages and tsx. Skips a schema with unchanged inputs. Usage:
// generate.mjs [number of schemas]. Runs the CLI once per schema, two at a time: a schema has one provider,
// and separate clients prevent name conflicts.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDdl } from '../../prisma/create-ddl.mjs'
import { env, hashOfTools, header, readStamp } from '../../prisma/generate-parts.mjs'
import { SCHEMAS, schemaAt } from './plan.ts'
import { randomSchema } from './random-schema.ts'

const root = join(import.meta.dirname, '../..')
const WORKERS = 2
const count = process.argv[2] === undefined ? SCHEMAS : Number(process.argv[2])
if (!Number.isSafeInteger(count) || count < 1)
  throw new Error(`Expected the number of schemas to generate, got "${process.argv[2]}".`)

function runPrisma(path) {
  const prisma = join(root, 'node_modules/prisma/build/index.js')
  const child = spawn(process.execPath, [prisma, 'generate', '--schema', path], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = []
  child.stdout.on('data', (part) => output.push(part))
  child.stderr.on('data', (part) => output.push(part))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => {
      if (status === 0) resolve()
      else reject(new Error(`${path}: prisma generate failed.\n${Buffer.concat(output).toString()}`))
    })
  })
}

/**
 * PostgreSQL's enum types are part of the column on MySQL, and the serial types have a name for each width.
 */
function fitEnums(ddl) {
  const values = new Map(
    [...ddl.matchAll(/CREATE TYPE [`"](\w+)[`"] AS ENUM (\([^)]*\));/g)].map(([, name, list]) => [
      name,
      list,
    ]),
  )
  const bare = ddl.replace(/CREATE TYPE [`"]\w+[`"] AS ENUM \([^)]*\);/g, '')
  return [...values].reduce(
    (text, [name, list]) => text.replaceAll(`\` \`${name}\``, `\` ENUM ${list}`),
    bare,
  )
}

const tools = hashOfTools(join(import.meta.dirname, 'generate.mjs'))

async function makeSchema(index) {
  const { seed, dialect, folder } = schemaAt(index)
  const target = join(root, 'generated/schemas', folder)
  const content = header(dialect) + randomSchema(seed, dialect)
  const hash = createHash('sha256').update(tools).update(content).digest('hex')
  const stamp = join(target, 'stamp')
  if (readStamp(stamp) === hash) return
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const path = join(target, 'schema.prisma')
  writeFileSync(path, content)
  await runPrisma(path)
  const ddl = await createDdl(dialect, { path, content })
  writeFileSync(join(target, 'schema.sql'), dialect === 'mysql' ? fitEnums(ddl) : ddl)
  writeFileSync(stamp, hash)
}

const pending = Array.from({ length: count }, (_, index) => index)
async function work() {
  for (let index = pending.shift(); index !== undefined; index = pending.shift()) await makeSchema(index)
}
await Promise.all(Array.from({ length: WORKERS }, work))
