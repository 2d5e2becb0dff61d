import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readBlocks } from '@sluice/prisma/project'
import type { DetectedPrisma, TextFile } from '../project/detected-project.ts'
import { projectPath } from '../project/project-folder.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { installedPackage } from './installed-package.ts'

const GENERATOR = 'sluice-prisma-generator'
const COMPARED: ReadonlySet<string> = new Set(['model', 'enum', 'view', 'type'])

const GENERATE = 'npx prisma generate'
const BLOCK = 'generator sluice { provider = "sluice-prisma-generator" }'

/** Checks that the schema has its generators, and that they ran after the last change of the schema. */
export async function checkPrisma(
  cwd: string,
  { schemaFiles }: Pick<DetectedPrisma, 'schemaFiles'>,
): Promise<Check[]> {
  if ((await installedPackage('@sluice/prisma', cwd)) === undefined) return []
  return [...(await checkPrismaClient(cwd, schemaFiles)), ...(await checkGenerator(cwd, schemaFiles))]
}

async function checkGenerator(cwd: string, schemaFiles: DetectedPrisma['schemaFiles']): Promise<Check[]> {
  const generators = schemaFiles.flatMap(({ path, content }) =>
    generatorsIn(content).map((output) => ({ path, output })),
  )
  const [generator] = generators
  if (generator === undefined)
    return [
      warn("the Prisma schema does not contain Sluice's generator", `Add ${BLOCK}, then run: ${GENERATE}`),
    ]
  const output = outputOf(generator)
  const folder = join(cwd, output)
  const written = (await changedAt(join(folder, 'index.ts'))) ?? (await changedAt(join(folder, 'index.js')))
  if (written === undefined) return [fail(`${output} was not generated`, GENERATE)]
  const changed = await Promise.all(
    schemaFiles.map(async ({ path }) => ({ path, at: (await changedAt(join(cwd, path))) ?? 0 })),
  )
  const newer = changed.find(({ at }) => at > written)
  if (newer !== undefined) return [warn(`${newer.path} changed after ${output} was generated`, GENERATE)]
  return [ok(`${output} is up to date with the Prisma schema`)]
}

/** The `output` of each block with Sluice's generator. */
function generatorsIn(schema: string): (string | undefined)[] {
  return readBlocks(schema)
    .filter(({ kind, setting }) => kind === 'generator' && setting('provider')?.includes(GENERATOR) === true)
    .map(({ setting }) => setting('output'))
}

/** The path is relative to the file that contains the block. */
function outputOf({
  path,
  output = './generated/sluice',
}: {
  readonly path: string
  readonly output: string | undefined
}): string {
  return output.startsWith('/') ? output : projectPath(dirname(path), output)
}

async function changedAt(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs
  } catch {
    return undefined
  }
}

/**
 * Checks that Prisma's client was generated from the current schema. Compares the schema that the client
 * contains, because file times are unreliable after a checkout.
 */
export async function checkPrismaClient(cwd: string, schemaFiles: readonly TextFile[]): Promise<Check[]> {
  const current = blocksOf(schemaFiles.map(({ content }) => content).join('\n'))
  const outputs = await Promise.all(
    schemaFiles.flatMap((file) => clientOutputs(file)).map((output) => folderOf(cwd, output)),
  )
  const checks: Check[] = []
  for (const output of new Set(outputs)) {
    if (output === undefined) continue
    const generated = await schemaIn(join(cwd, output))
    if (generated === 'none') checks.push(fail(`${output} was not generated`, GENERATE))
    else if (generated !== undefined) checks.push(compared(output, current, blocksOf(generated)))
  }
  return checks
}

function compared(
  output: string,
  current: ReadonlyMap<string, string>,
  generated: ReadonlyMap<string, string>,
): Check {
  const changed = [...new Set([...current.keys(), ...generated.keys()])].filter(
    (name) => current.get(name) !== generated.get(name),
  )
  if (changed.length === 0) return ok(`${output} was generated from this Prisma schema`)
  const shown =
    changed.length > 3
      ? `${changed.slice(0, 3).join(', ')} and ${changed.length - 3} more`
      : changed.join(', ')
  return warn(`${output} was generated from a different schema: ${shown} changed`, GENERATE)
}

/** Models, enums, views and types by name, without comments and whitespace. */
function blocksOf(schema: string): Map<string, string> {
  return new Map(
    readBlocks(schema)
      .filter(({ kind }) => COMPARED.has(kind))
      .map(({ kind, name, text }) => [`${kind} ${name}`, text.replace(/\s+/g, '')]),
  )
}

interface ClientOutput {
  readonly path: string
  readonly isOwnPackage: boolean
  readonly output: string | undefined
}

function clientOutputs({ path, content }: TextFile): ClientOutput[] {
  return readBlocks(content).flatMap(({ kind, setting }) => {
    const provider = kind === 'generator' ? setting('provider') : undefined
    if (provider !== 'prisma-client' && provider !== 'prisma-client-js') return []
    return [{ path, isOwnPackage: provider === 'prisma-client-js', output: setting('output') }]
  })
}

/** Path relative to the project; `undefined` if it is outside the project or unknown. */
async function folderOf(
  cwd: string,
  { path, output, isOwnPackage }: ClientOutput,
): Promise<string | undefined> {
  if (output !== undefined) return output.startsWith('/') ? undefined : projectPath(dirname(path), output)
  const client = isOwnPackage ? await installedPackage('@prisma/client', cwd) : undefined
  if (client === undefined || !client.folder.startsWith(cwd)) return undefined
  return projectPath('', join(client.folder.slice(cwd.length), '../../.prisma/client'))
}

/** The schema that a generated client contains; `undefined` if its format is unknown. */
async function schemaIn(folder: string): Promise<string | 'none' | undefined> {
  const names = await readdir(folder).catch(() => undefined)
  if (names === undefined || names.length === 0) return 'none'
  const inside = await readdir(join(folder, 'internal')).catch(() => [])
  const candidates = [
    ...inside.filter((name) => /^class\.[cm]?[jt]s$/.test(name)).map((name) => join('internal', name)),
    ...names.filter((name) => name === 'index.js'),
  ]
  for (const name of candidates) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '')
    const literal = /"inlineSchema":\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
    if (literal !== undefined) return JSON.parse(literal) as string
  }
  return undefined
}
