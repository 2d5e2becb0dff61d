import { parseArgs } from 'node:util'
import { type Command, EXIT, type Output, UsageError } from '../command.ts'
import { openConnection } from '../connect/open-connection.ts'
import { ConnectError } from '../connect/own-connection.ts'
import type { DashboardClient } from '../dashboard/dashboard-client.ts'
import { dashboardHelp, dashboardOf, dashboardOptions } from '../dashboard/dashboard-options.ts'
import { attempt, type Check, fail, ok, warn } from '../doctor/check.ts'
import { checkApp } from '../doctor/check-app.ts'
import { checkDatabase } from '../doctor/check-database.ts'
import { checkCopies, checkNode, checkWrapped } from '../doctor/check-packages.ts'
import { checkPrisma } from '../doctor/check-prisma.ts'
import { checkRedis } from '../doctor/check-redis.ts'
import { checkSource } from '../doctor/check-source.ts'
import { installedPackage } from '../doctor/installed-package.ts'
import { detectProjects } from '../project/detect-projects.ts'
import { projectDatabase } from '../project/project-database.ts'
import { projectFolder } from '../project/project-folder.ts'
import { readDatabaseUrl } from '../project/read-database-url.ts'
import { wrapped } from '../report/cells.ts'
import { type DoctorJson, jsonText } from '../report/json-output.ts'
import { type Paint, paintWith, wantsColor } from '../report/palette.ts'
import { colorOf, colorOptions, numberOption } from './option-values.ts'
import { progressOn } from './progress.ts'

const help = `sluice doctor [<url>] [options]

Checks what Sluice depends on: versions, how the app's source text sets it up, generated code, the database with its rights and settings, Redis. It changes
nothing, and runs nothing of the app.

  <url>                 postgresql://…, mysql://…, file:<path>. Left out: DATABASE_URL, also of a file .env
${dashboardHelp.replace('the dashboard:', 'looks at a running app as well, by its dashboard:').replace(/\s+\(SLUICE_URL\)/, '')}
  --seconds <n>         how long it looks at the app (5): send it requests meanwhile
  --json                the checks as JSON
  --color, --no-color   colours; else as NO_COLOR and the terminal have it
  --help                prints this

Redis is asked where REDIS_URL is set, also in a file .env.
Exit codes: 0 nothing failed, 1 something did, 2 wrong arguments, 3 cannot connect to the database or the app, 130 interrupted.
`

const options = {
  ...dashboardOptions,
  ...colorOptions,
  seconds: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `sluice doctor` */
export const doctor: Command = {
  summary: 'check versions, set-up, database, Redis, and a running app',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [url, extra] = positionals
    if (extra !== undefined) throw new UsageError(`expected one address, got "${extra}" too`)
    const watchMs = numberOption('--seconds', values.seconds, { least: 0.1, most: 3_600, otherwise: 5 }) * 1_000
    const app = values.url === undefined ? undefined : dashboardOf(values)
    const progress = progressOn(output)
    const say = (text: string) => progress.say(text)
    const checks: Check[] = []
    try {
      checks.push(...(await allChecks(url, process.cwd(), say)))
      if (app !== undefined) {
        say(`Looking at ${app.address} for ${watchMs / 1_000} s`)
        checks.push(...(await attempt('the running app', () => appChecks(app, watchMs))))
      }
    } finally {
      progress.end()
    }
    output.out(
      values.json === true
        ? jsonText<DoctorJson>({ schemaVersion: 1, checks })
        : doctorReport(checks, { paint: paintWith(wantsColor(colorOf(values), output.isTerminal === true)), width: output.columns || 100 }),
    )
    if (checks.some(({ isUnreachable }) => isUnreachable === true)) return EXIT.unreachable
    return checks.some(({ level }) => level === 'fail') ? EXIT.failed : EXIT.ok
  },
}

async function appChecks(app: DashboardClient, watchMs: number): Promise<readonly Check[]> {
  try {
    return await checkApp(app, watchMs)
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return [{ ...fail(error.message, 'Start the app, or correct --url.'), isUnreachable: true }]
  }
}

async function allChecks(given: string | undefined, cwd: string, say: (text: string) => void): Promise<Check[]> {
  const checks: Check[] = [...checkNode(process.versions.node)]
  const add = async (what: string, check: () => Promise<readonly Check[]> | readonly Check[]) => {
    say(`Checking ${what}`)
    checks.push(...(await attempt(what, check)))
  }
  await add('versions of packages', () => checkWrapped(cwd))
  await add('packages of Sluice', () => checkCopies(cwd))
  await add('the source text', () => checkSource(cwd))
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

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const
const INDENT = 6

/** Checks as a person reads them on a terminal. Ends with a line break. */
function doctorReport(checks: readonly Check[], { paint, width }: { readonly paint: Paint; readonly width: number }): string {
  const lines = [paint('bold', 'sluice doctor')]
  const rest = ' '.repeat(INDENT)
  for (const { level, text, fix } of checks) {
    const [first = '', ...more] = wrapped(text, width - INDENT)
    lines.push(`${paint(STYLES[level], level)}${' '.repeat(INDENT - level.length)}${first}`, ...more.map((line) => `${rest}${line}`))
    if (fix !== undefined) lines.push(...wrapped(`fix: ${fix}`, width - INDENT).map((line) => paint('dim', `${rest}${line}`)))
  }
  const count = (level: Check['level']) => checks.filter((check) => check.level === level).length
  const parts = [
    `${count('ok')} ok`,
    ...(count('warn') > 0 ? [`${count('warn')} ${count('warn') === 1 ? 'warning' : 'warnings'}`] : []),
    ...(count('skip') > 0 ? [`${count('skip')} skipped`] : []),
    ...(count('fail') > 0 ? [`${count('fail')} ${count('fail') === 1 ? 'failure' : 'failures'}`] : []),
  ]
  return `${[...lines, '', parts.join(' · ')].join('\n')}\n`
}
