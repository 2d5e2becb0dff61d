// Shared code of the scripts that generate Prisma clients for tests.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname, '..')

export const header = (provider) => `generator client {
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

/**
 * Hash of the built generator, Prisma's version, these parts, and more files: the generated code depends on
 * all of them.
 */
export function hashOfTools(...files) {
  const generator = join(root, '../packages/prisma/dist')
  const built = readdirSync(generator).filter((name) => name.endsWith('.cjs'))
  const own = [join(import.meta.dirname, 'generate-parts.mjs'), join(import.meta.dirname, 'create-ddl.mjs')]
  const hash = createHash('sha256')
  for (const path of [...built.sort().map((name) => join(generator, name)), ...own, ...files])
    hash.update(readFileSync(path))
  return hash.update(createRequire(import.meta.url)('prisma/package.json').version).digest('hex')
}

export function readStamp(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

export const env = {
  // The schema engine's binary is not needed here, and the CLI would download it.
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  ...process.env,
  // A package manager adds its bins to the path; a plain `node generate.mjs` does not.
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
}
