import { parseArgs } from 'node:util'
import type { Command, Output } from '../command.ts'
import { openConnection } from '../connect/open-connection.ts'
import { ConnectError } from '../connect/own-connection.ts'
import { attempt, type Check, fail, ok, warn } from '../doctor/check.ts'
import { checkDatabase } from '../doctor/check-database.ts'
import { checkCopies, checkNode, checkWrapped } from '../doctor/check-packages.ts'
import { checkPrisma } from '../doctor/check-prisma.ts'
import { checkRedis } from '../doctor/check-redis.ts'
import { installedPackage } from '../doctor/installed-package.ts'
import { EXIT } from '../exit-code.ts'
import { detectProjects } from '../project/detect-projects.ts'
import { projectDatabase } from '../project/project-database.ts'
import { projectFolder } from '../project/project-folder.ts'
import { readDatabaseUrl } from '../project/read-database-url.ts'
import { doctorReport } from '../report/doctor-report.ts'
import { paintWith, wantsColor } from '../report/palette.ts'
import { UsageError } from '../usage-error.ts'

const help = `sluice doctor [<url>] [options]

Checks what Sluice depends on: versions, generated code, the database with its rights and settings, Redis. It changes nothing.

  <url>                 postgresql://…, mysql://…, file:<path>. Left out: DATABASE_URL, also of a file .env
  --json                the checks as JSON
  --color, --no-color   colours; else as NO_COLOR and the terminal have it
  --help                prints this

Redis is asked where REDIS_URL is set, also in a file .env.
Exit codes: 0 nothing failed, 1 something did, 2 wrong arguments, 3 cannot connect to the database.
`

const options = {
  json: { type: 'boolean' },
  color: { type: 'boolean' },
  'no-color': { type: 'boolean' },
} as const

/** `sluice doctor` */
export const doctor: Command = {
  summary: 'check versions, set-up, database and Redis',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [url, extra] = positionals
    if (extra !== undefined) throw new UsageError(`expected one address, got "${extra}" too`)
    const checks = await allChecks(url, process.cwd())
    const color = values['no-color'] === true ? false : values.color
    output.out(
      values.json === true
        ? `${JSON.stringify({ schemaVersion: 1, checks }, undefined, 2)}\n`
        : doctorReport(checks, { paint: paintWith(wantsColor(color, output.isTerminal === true)), width: output.columns ?? 100 }),
    )
    if (checks.some(({ isUnreachable }) => isUnreachable === true)) return EXIT.unreachable
    return checks.some(({ level }) => level === 'fail') ? EXIT.failed : EXIT.ok
  },
}

async function allChecks(given: string | undefined, cwd: string): Promise<Check[]> {
  const checks: Check[] = [...checkNode(process.versions.node)]
  const add = async (what: string, check: () => Promise<readonly Check[]> | readonly Check[]) => {
    checks.push(...(await attempt(what, check)))
  }
  await add('versions of packages', () => checkWrapped(cwd))
  await add('packages of Sluice', () => checkCopies(cwd))
  let url = given
  let redis: string | undefined
  await add('the project', async () => {
    const projects = await detectProjects(cwd, process.env)
    redis = (await readDatabaseUrl(projectFolder(cwd), ['REDIS_URL'], process.env))?.url
    const prisma = projects.find((project) => project.kind === 'prisma')
    const found = projectDatabase(projects, cwd)
    url = given ?? found?.url
    return [
      ...(prisma === undefined ? [] : await attempt('the Prisma schema', () => checkPrisma(cwd, prisma))),
      ...(given !== undefined || found === undefined ? [] : [ok(`address of the database: ${found.from}`)]),
    ]
  })
  const isShared = redis !== undefined || (await installedPackage('@sluice/redis', cwd)) !== undefined
  await add('the database', () => databaseChecks(url, isShared))
  const redisUrl = redis
  if (redisUrl !== undefined) await add('Redis', () => checkRedis(redisUrl))
  return checks
}

async function databaseChecks(url: string | undefined, isShared: boolean): Promise<readonly Check[]> {
  if (url === undefined) return [warn('no database was asked', 'Set DATABASE_URL, or: sluice doctor <url>')]
  try {
    const connection = await openConnection(url)
    try {
      return [ok(`connected to ${connection.address}`), ...(await checkDatabase(connection, { isShared, hasScratch: await hasPglite() }))]
    } finally {
      await connection.close().catch(() => {})
    }
  } catch (error) {
    if (error instanceof ConnectError)
      return [{ ...fail(error.message, 'Start the database, or correct its address.'), isUnreachable: true }]
    if (error instanceof UsageError) return [fail('the database was not asked', error.message)]
    throw error
  }
}

async function hasPglite(): Promise<boolean> {
  try {
    import.meta.resolve('@electric-sql/pglite')
    return true
  } catch {
    return false
  }
}
