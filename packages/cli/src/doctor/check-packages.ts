import { relative } from 'node:path'
import { type Check, fail, ok, warn } from './check.ts'
import { type InstalledPackage, installedPackage } from './installed-package.ts'
import { isBelow, isInRange, versionParts } from './version-range.ts'

const LEAST_NODE = '20.19.0'

/** What Sluice works with, as its packages have it among their peers. */
export const SUPPORTED: Readonly<Record<string, string>> = {
  '@prisma/client': '>=6.16',
  knex: '^3.0.0',
  ioredis: '^5.4.0 || ^6.0.0',
  bullmq: '~6.7.0',
}

const SLUICE = ['core', 'prisma', 'knex', 'redis', 'http', 'express', 'fastify', 'graphql', 'dashboard'].map((name) => `@sluice/${name}`)

export function checkNode(version: string): Check[] {
  if (!isBelow(versionParts(version), versionParts(LEAST_NODE))) return [ok(`Node.js ${version}`)]
  return [fail(`Node.js ${version} is too old`, `Sluice needs ${LEAST_NODE.replace(/\.0$/, '')} or later.`)]
}

/** Versions of what Sluice wraps. */
export async function checkWrapped(cwd: string): Promise<Check[]> {
  const checks: Check[] = []
  for (const [name, range] of Object.entries(SUPPORTED)) {
    const found = await installedPackage(name, cwd)
    if (found === undefined) continue
    if (isInRange(found.version, range)) checks.push(ok(`${name} ${found.version}`))
    else checks.push(fail(`${name} ${found.version} is not supported`, `npm install ${name}@"${range}"`))
  }
  const client = await installedPackage('@prisma/client', cwd)
  const prisma = await installedPackage('prisma', cwd)
  if (client !== undefined && prisma !== undefined && client.version !== prisma.version) {
    const fix = `npm install --save-dev prisma@${client.version}`
    checks.push(warn(`prisma ${prisma.version} generates for another version than @prisma/client ${client.version}`, fix))
  }
  return checks
}

/** Two copies of the core know nothing of each other: what the one sees, the other does not. */
export async function checkCopies(cwd: string): Promise<Check[]> {
  const installed = await sluicePackages(cwd)
  if (installed.length === 0) return [warn('no package of Sluice is installed here', 'npm install @sluice/core')]
  const cores = new Map<string, InstalledPackage>()
  for (const { name, folder } of installed) {
    const core = name === '@sluice/core' ? installed.find((found) => found.name === name) : await installedPackage('@sluice/core', folder)
    if (core !== undefined) cores.set(core.folder, core)
  }
  const [first, ...others] = [...cores.values()]
  if (first === undefined) return [fail('@sluice/core is not installed', 'npm install @sluice/core')]
  if (others.length === 0) return [ok(`${installed.map(({ name, version }) => `${name} ${version}`).join(', ')}: one copy of the core`)]
  const copies = [first, ...others].map(({ version, folder }) => `${version} in ${relative(cwd, folder) || folder}`)
  return [fail(`${copies.length} copies of @sluice/core: ${copies.join(', ')}`, 'Give all packages of Sluice the same version: npm dedupe')]
}

async function sluicePackages(cwd: string): Promise<InstalledPackage[]> {
  const found = await Promise.all(SLUICE.map((name) => installedPackage(name, cwd)))
  return found.filter((installed) => installed !== undefined)
}
