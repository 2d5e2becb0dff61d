import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DetectedPrisma } from '../project/detected-project.ts'
import { projectPath } from '../project/source-text.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { checkPrismaClient } from './check-prisma-client.ts'
import { installedPackage } from './installed-package.ts'

const GENERATE = 'npx prisma generate'
const BLOCK = 'generator sluice { provider = "sluice-prisma-generator" }'

/** Whether the schema's generators are there and have run since the schema changed. */
export async function checkPrisma(cwd: string, { schemaFiles }: Pick<DetectedPrisma, 'schemaFiles'>): Promise<Check[]> {
  if ((await installedPackage('@sluice/prisma', cwd)) === undefined) return []
  return [...(await checkPrismaClient(cwd, schemaFiles)), ...(await checkGenerator(cwd, schemaFiles))]
}

async function checkGenerator(cwd: string, schemaFiles: DetectedPrisma['schemaFiles']): Promise<Check[]> {
  const generators = schemaFiles.flatMap(({ path, content }) => generatorsIn(content).map((output) => ({ path, output })))
  const [generator] = generators
  if (generator === undefined) return [warn('the Prisma schema has no generator of Sluice', `Add ${BLOCK}, and ${GENERATE}`)]
  const output = outputOf(generator)
  const written = await changedAt(join(cwd, output, 'index.js'))
  if (written === undefined) return [fail(`${output} was not generated`, GENERATE)]
  const changed = await Promise.all(schemaFiles.map(async ({ path }) => ({ path, at: (await changedAt(join(cwd, path))) ?? 0 })))
  const newer = changed.find(({ at }) => at > written)
  if (newer !== undefined) return [warn(`${newer.path} changed after ${output} was generated`, GENERATE)]
  return [ok(`${output} is as new as the Prisma schema`)]
}

/** Of the blocks with Sluice's generator: their outputs. */
function generatorsIn(schema: string): (string | undefined)[] {
  const text = schema.replace(/\/\/[^\n]*/g, '')
  return [...text.matchAll(/^\s*generator\s+\w+\s*\{([^}]*)\}/gm)].flatMap(([, body = '']) => {
    if (!/\bprovider\s*=\s*"[^"]*sluice-prisma-generator[^"]*"/.test(body)) return []
    return [/\boutput\s*=\s*"([^"]*)"/.exec(body)?.[1]]
  })
}

/** Relative to the file that has it. */
function outputOf({ path, output = './generated/sluice' }: { readonly path: string; readonly output: string | undefined }): string {
  return output.startsWith('/') ? output : projectPath(dirname(path), output)
}

async function changedAt(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs
  } catch {
    return undefined
  }
}
