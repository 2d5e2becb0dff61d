// Writes prisma/schema.prisma, prisma/postgresql/schema.prisma and prisma/mysql/schema.prisma from
// prisma/models.prisma, then generates the clients.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = import.meta.dirname
const models = readFileSync(join(root, 'prisma/models.prisma'), 'utf8')

const targets = [
  {
    path: 'prisma/schema.prisma',
    provider: 'sqlite',
    client: '../src/generated/prisma',
    sluice: '../src/generated/sluice',
  },
  {
    path: 'prisma/postgresql/schema.prisma',
    provider: 'postgresql',
    client: '../../src/generated/postgresql',
    sluice: '../../src/generated/sluice-postgresql',
  },
  {
    path: 'prisma/mysql/schema.prisma',
    provider: 'mysql',
    client: '../../src/generated/mysql',
    sluice: '../../src/generated/sluice-mysql',
    // There are no foreign keys: see mysql.sql.
    relationMode: 'prisma',
  },
]

const header = ({
  provider,
  client,
  sluice,
  relationMode,
}) => `// Written by generate.mjs: change models.prisma instead.

generator client {
  provider            = "prisma-client"
  output              = "${client}"
  importFileExtension = "js"
  moduleFormat        = "esm"
}

generator sluice {
  provider = "sluice-prisma-generator"
  output   = "${sluice}"
}

datasource db {
  ${relationMode === undefined ? `provider = "${provider}"` : `provider     = "${provider}"\n  relationMode = "${relationMode}"`}
}

`

// The schema engine's binary is not needed here, and the CLI would download it.
const env = { PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', ...process.env }

for (const target of targets) {
  const path = join(root, target.path)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, header(target) + models)
  const prisma = join(root, 'node_modules/prisma/build/index.js')
  const { status } = spawnSync(
    process.execPath,
    [prisma, 'generate', '--schema', target.path, ...process.argv.slice(2)],
    {
      cwd: root,
      env,
      stdio: 'inherit',
    },
  )
  if (status !== 0) process.exit(status ?? 1)
}
