// Writes generated/<provider>/, generated/bench-<provider>/ with the models of the bench, and
// generated/consistency-postgresql/ with those of the consistency checker: schema.prisma, the Prisma client,
// Sluice's schema data, and the DDL (schema.sql). Needs built packages. Does nothing for a folder whose
// inputs are as at the last run.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDdl } from './prisma/create-ddl.mjs'
import { env, hashOfTools, header, readStamp } from './prisma/generate-parts.mjs'

const root = import.meta.dirname
const tools = hashOfTools(join(root, 'generate.mjs'))
const targets = [
  ...['sqlite', 'postgresql', 'mysql'].map((provider) => ({
    provider,
    folder: provider,
    models: 'prisma/models.prisma',
  })),
  ...['sqlite', 'postgresql'].map((provider) => ({
    provider,
    folder: `bench-${provider}`,
    models: 'bench/query/models.prisma',
  })),
  { provider: 'postgresql', folder: 'consistency-postgresql', models: 'consistency/models.prisma' },
]

function hashOfInputs(models) {
  return createHash('sha256').update(models).update(tools).digest('hex')
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
  const { status } = spawnSync(process.execPath, [prisma, 'generate', '--schema', path], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(join(folder, 'schema.sql'), await createDdl(provider, { path, content }))
  writeFileSync(stamp, hash)
}
