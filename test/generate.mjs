// Writes generated/<provider>/, and generated/bench-<provider>/ with the models of the bench: schema.prisma, the Prisma client,
// Sluice's schema data, and the DDL (schema.sql). Needs built packages. Does nothing for a folder whose inputs are as at the last run.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { createDdl } from './prisma/create-ddl.mjs'

const root = import.meta.dirname
const targets = [
  ...['sqlite', 'postgresql', 'mysql'].map((provider) => ({ provider, folder: provider, models: 'prisma/models.prisma' })),
  ...['sqlite', 'postgresql'].map((provider) => ({ provider, folder: `bench-${provider}`, models: 'bench/query/models.prisma' })),
]

const header = (provider) => `generator client {
  provider            = "prisma-client"
  output              = "./client"
  importFileExtension = "js"
  moduleFormat        = "esm"
}

generator sluice {
  provider = "sluice-prisma-generator"
  output   = "./sluice"
}

datasource db {
  provider = "${provider}"
}

`

function hashOfInputs(models) {
  const generator = join(root, '../packages/prisma/dist')
  const built = readdirSync(generator).filter((name) => name.endsWith('.js'))
  const hash = createHash('sha256').update(models)
  const inputs = [...built.sort().map((name) => join(generator, name)), join(root, 'generate.mjs'), join(root, 'prisma/create-ddl.mjs')]
  for (const path of inputs) hash.update(readFileSync(path))
  return hash.update(createRequire(import.meta.url)('prisma/package.json').version).digest('hex')
}

function readStamp(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const env = {
  // The schema engine's binary is not needed here, and the CLI would download it.
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  ...process.env,
  // A package manager adds its bins to the path; a plain `node generate.mjs` does not.
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
}

for (const { provider, ...target } of targets) {
  const models = readFileSync(join(root, target.models), 'utf8')
  const hash = hashOfInputs(models)
  const folder = join(root, 'generated', target.folder)
  const stamp = join(folder, 'stamp')
  if (readStamp(stamp) === hash) continue
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'schema.prisma')
  const content = header(provider) + models
  writeFileSync(path, content)
  const prisma = join(root, 'node_modules/prisma/build/index.js')
  const { status } = spawnSync(process.execPath, [prisma, 'generate', '--schema', path], { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(join(folder, 'schema.sql'), await createDdl(provider, { path, content }))
  writeFileSync(stamp, hash)
}
