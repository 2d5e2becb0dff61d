import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { dedupeCommand, installCommand } from '../project/install-command.ts'
import { type Check, fail, ok, warn } from './check.ts'
import {
  type InstalledPackage,
  installedPackage,
  isBelow,
  isInRange,
  versionParts,
} from './installed-package.ts'

const CORE = '@sluice/core'
const MAX_PACKAGES = 3_000
const LEAST_NODE = '20.19.0'

/** Supported versions: the peer dependencies of Sluice's packages. */
export const SUPPORTED: Readonly<Record<string, string>> = {
  '@prisma/client': '>=6.16',
  '@prisma/orm-postgres': '>=8.0.0-rc.10 <8.0.0-rc.1000',
  knex: '^3.0.0',
  'drizzle-orm': '>=0.44.0 <0.46.0 || ^1.0.0-rc.1',
  kysely: '>=0.28.0 <0.30.0',
  express: '^4.18.0 || ^5.0.0',
  fastify: '^5.0.0',
  graphql: '^16.11.0',
  ioredis: '^5.4.0 || ^6.0.0',
  bullmq: '~6.7.0',
}

/** The Sluice package that wraps each one. Without it, the app can use any version. */
const WRAPPED_BY: Readonly<Record<string, string>> = {
  '@prisma/client': '@sluice/prisma',
  '@prisma/orm-postgres': '@sluice/prisma8',
  knex: '@sluice/knex',
  'drizzle-orm': '@sluice/drizzle',
  kysely: '@sluice/kysely',
  express: '@sluice/express',
  fastify: '@sluice/fastify',
  graphql: '@sluice/graphql',
  ioredis: '@sluice/redis',
  bullmq: '@sluice/redis',
}
/** Packages that only one export of the wrapping package needs. */
const OPTIONAL: Readonly<Record<string, string>> = { bullmq: 'bullmqJobBackend' }

const SLUICE =
  'core prisma prisma8 knex drizzle kysely redis memcached http express fastify graphql dashboard'
    .split(' ')
    .map((name) => `@sluice/${name}`)

export function checkNode(version: string): Check[] {
  if (!isBelow(versionParts(version), versionParts(LEAST_NODE))) return [ok(`Node.js ${version}`)]
  return [fail(`Node.js ${version} is too old`, `Sluice needs ${LEAST_NODE.replace(/\.0$/, '')} or later.`)]
}

/**
 * Checks the versions of the packages that the installed Sluice packages wrap, or of all if none is
 * installed.
 */
export async function checkWrapped(cwd: string): Promise<Check[]> {
  const checks: Check[] = []
  const sluice = new Set((await sluicePackages(cwd)).map(({ name }) => name))
  for (const [name, range] of Object.entries(SUPPORTED)) {
    const found =
      sluice.size === 0 || sluice.has(WRAPPED_BY[name] ?? '') ? await installedPackage(name, cwd) : undefined
    if (found === undefined) continue
    const fix = installCommand(`${name}@"${range}"`, { cwd })
    const use = OPTIONAL[name]
    if (isInRange(found.version, range)) checks.push(ok(`${name} ${found.version}`))
    else if (use === undefined) checks.push(fail(`${name} ${found.version} is not supported`, fix))
    else checks.push(warn(`${name} ${found.version} is not supported by ${use}`, `If you use it: ${fix}`))
  }
  checks.push(...(await checkAdapters(cwd, sluice)))
  const client = await installedPackage('@prisma/client', cwd)
  const prisma = await installedPackage('prisma', cwd)
  if (client !== undefined && prisma !== undefined && client.version !== prisma.version) {
    const fix = installCommand(`prisma@${client.version}`, { cwd, isDev: true })
    checks.push(
      warn(
        `prisma ${prisma.version} generates for a different version from @prisma/client ${client.version}`,
        fix,
      ),
    )
  }
  return checks
}

const ORMS = ['@prisma/client', 'knex', 'drizzle-orm', 'kysely']

/** Warns if an app with an ORM has Sluice, and no adapter for any ORM: Sluice then sees no query. */
async function checkAdapters(cwd: string, sluice: ReadonlySet<string>): Promise<Check[]> {
  const adapters = ORMS.map((name) => WRAPPED_BY[name] ?? '')
  if (sluice.size === 0 || adapters.some((name) => sluice.has(name))) return []
  const dependencies = new Set(await dependencyNames(cwd))
  return ORMS.filter((name) => dependencies.has(name)).map((name) =>
    warn(
      `${name} is used without ${WRAPPED_BY[name]}: Sluice sees none of its queries`,
      installCommand(`${WRAPPED_BY[name]}`, { cwd }),
    ),
  )
}

/**
 * Copies of the core share a default Sluice only within one major version, and never share their error
 * classes.
 */
export async function checkCopies(cwd: string): Promise<Check[]> {
  const installed = await sluicePackages(cwd)
  if (installed.length === 0)
    return [warn('no Sluice package is installed here', installCommand(CORE, { cwd }))]
  const cores = new Map<string, InstalledPackage & { readonly by?: string }>()
  for (const { name, folder } of installed) {
    const core =
      name === CORE ? installed.find((found) => found.name === name) : await installedPackage(CORE, folder)
    if (core !== undefined) cores.set(core.folder, core)
  }
  for (const { name, folder } of await dependenciesOf(cwd)) {
    const core = await installedPackage(CORE, folder)
    if (core !== undefined && !cores.has(core.folder)) cores.set(core.folder, { ...core, by: name })
  }
  const [first, ...others] = [...cores.values()]
  if (first === undefined) return [fail(`${CORE} is not installed`, installCommand(CORE, { cwd }))]
  if (others.length === 0)
    return [
      ok(`${installed.map(({ name, version }) => `${name} ${version}`).join(', ')}: one copy of the core`),
    ]
  const copies = [first, ...others].map(({ version, folder, by }) => {
    return `${version} in ${relative(cwd, folder) || folder}${by === undefined ? '' : `, for ${by}`}`
  })
  const dedupe = dedupeCommand(cwd)
  return [
    fail(
      `${copies.length} copies of ${CORE}: ${copies.join('; ')}`,
      `Install the same version of all Sluice packages${dedupe === undefined ? '.' : `, then run: ${dedupe}`}`,
    ),
  ]
}

const COMMAND_LINE: ReadonlySet<string> = new Set(['sluice', '@sluice/cli'])

/** The direct and transitive dependencies of a folder's package that depend on Sluice. */
async function dependenciesOf(cwd: string): Promise<InstalledPackage[]> {
  const seen = new Set<string>()
  const found: InstalledPackage[] = []
  const queue = [...(await dependencyNames(cwd))].map((name) => ({ name, from: cwd }))
  for (let next = queue.shift(); next !== undefined && seen.size < MAX_PACKAGES; next = queue.shift()) {
    // The command line runs in a separate process.
    const installed = COMMAND_LINE.has(next.name) ? undefined : await installedPackage(next.name, next.from)
    if (installed === undefined || seen.has(installed.folder)) continue
    seen.add(installed.folder)
    const names = await dependencyNames(installed.folder)
    if (names.some((name) => name.startsWith('@sluice/'))) found.push(installed)
    queue.push(...names.map((name) => ({ name, from: installed.folder })))
  }
  return found
}

async function dependencyNames(folder: string): Promise<string[]> {
  try {
    const { dependencies, peerDependencies } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    ) as Record<string, object>
    return Object.keys({ ...dependencies, ...peerDependencies })
  } catch {
    return []
  }
}

async function sluicePackages(cwd: string): Promise<InstalledPackage[]> {
  const found = await Promise.all(SLUICE.map((name) => installedPackage(name, cwd)))
  return found.filter((installed) => installed !== undefined)
}
