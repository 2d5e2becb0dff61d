import { parseArgs } from 'node:util'
import {
  type Command,
  colorOf,
  colorOptions,
  EXIT,
  numberOption,
  type Output,
  UsageError,
} from '../command.ts'
import { isInstalled } from '../connect/load-driver.ts'
import { ConnectError, openConnection } from '../connect/open-connection.ts'
import type { DashboardClient } from '../dashboard/dashboard-client.ts'
import { dashboardHelp, dashboardOf, dashboardOptions } from '../dashboard/dashboard-options.ts'
import { attempt, type Check, fail, ok, warn } from '../doctor/check.ts'
import { checkApp } from '../doctor/check-app.ts'
import { checkDatabase } from '../doctor/check-database.ts'
import { checkCopies, checkNode, checkWrapped } from '../doctor/check-packages.ts'
import { checkPrisma } from '../doctor/check-prisma.ts'
import { checkRedis } from '../doctor/check-redis.ts'
import { checkRegister } from '../doctor/check-register.ts'
import { checkIgnoreFile, checkSources, hasSharedCache } from '../doctor/check-source.ts'
import { detectProjects, projectDatabase } from '../project/detect-projects.ts'
import { projectFolder } from '../project/project-folder.ts'
import { readDatabaseUrl } from '../project/read-database-url.ts'
import { counted, type Paint, paintWith, usesColor, wrapped } from '../report/cells.ts'
import { type DoctorJson, jsonText } from '../report/json-output.ts'
import { AppSources } from '../source/app-sources.ts'
import { progressOn } from './progress.ts'

const help = `sluice doctor [<url>] [options]

Checks versions, the setup in your source code, generated code, the database with its permissions and settings,
Redis, and a running app. Changes nothing, and executes no code of your app.

  <url>                 postgresql://…, mysql://…, file:<path>. Default: DATABASE_URL, also from a file .env
${dashboardHelp.replace('the dashboard:', 'also checks a running app, through its dashboard:\n                       ').replace(/\n *\(SLUICE_URL\)/, '')}
  --seconds <n>         how long it observes the app (5): send requests meanwhile
  --namespace <name>    namespace of the shared cache in Redis (sluice)
  --json                prints the checks as JSON
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

Checks Redis if REDIS_URL is set, also in a file .env. Checks a shared cache if the source code passes cache.store.
Exit codes: 0 no check failed, 1 a check failed, 2 invalid arguments, 3 cannot connect to the database or the app,
130 interrupted.
`

const options = {
  ...dashboardOptions,
  ...colorOptions,
  seconds: { type: 'string' },
  namespace: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `sluice doctor` */
export const doctor: Command = {
  summary: 'check versions, setup, database, Redis, and a running app',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [url, extra] = positionals
    if (extra !== undefined) throw new UsageError(`expected one database URL, also got "${extra}"`)
    const watchMs =
      numberOption('--seconds', values.seconds, { least: 0.1, most: 3_600, otherwise: 5 }) * 1_000
    const app = values.url === undefined ? undefined : dashboardOf(values)
    const progress = progressOn(output)
    const report = (text: string) => progress.update(text)
    const checks: Check[] = []
    try {
      checks.push(...(await allChecks(url, process.cwd(), report, values.namespace ?? 'sluice')))
      if (app !== undefined) {
        report(`Observing ${app.address} for ${watchMs / 1_000} s`)
        checks.push(...(await attempt('the running app', () => appChecks(app, watchMs))))
      }
    } finally {
      progress.end()
    }
    output.out(
      values.json === true
        ? jsonText<DoctorJson>({ schemaVersion: 1, checks })
        : doctorReport(checks, {
            paint: paintWith(usesColor(colorOf(values), output.isTerminal === true)),
            width: output.columns || 100,
          }),
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

async function allChecks(
  address: string | undefined,
  cwd: string,
  report: (text: string) => void,
  namespace: string,
): Promise<Check[]> {
  const checks: Check[] = [...checkNode(process.versions.node)]
  const add = async (what: string, check: () => Promise<readonly Check[]> | readonly Check[]) => {
    report(`Checking ${what}`)
    checks.push(...(await attempt(what, check)))
  }
  await add('package versions', () => checkWrapped(cwd))
  await add('the Sluice packages', () => checkCopies(cwd))
  await add('sluice/register', () => checkRegister(cwd, process.env))
  let isShared = false
  await add('the source code', async () => {
    const sources = await AppSources.of(cwd)
    isShared = hasSharedCache(sources)
    return [...checkSources(sources), ...checkIgnoreFile(sources, cwd)]
  })
  let url = address
  let redis: string | undefined
  await add('the project', async () => {
    const projects = await detectProjects(cwd, process.env)
    redis = (await readDatabaseUrl(projectFolder(cwd), ['REDIS_URL'], process.env))?.url
    const prisma = projects.find((project) => project.kind === 'prisma')
    const found = projectDatabase(projects, cwd)
    url = address ?? found?.url
    return [
      ...(prisma === undefined ? [] : await attempt('the Prisma schema', () => checkPrisma(cwd, prisma))),
      ...(address !== undefined || found === undefined ? [] : [ok(`database URL: ${found.from}`)]),
    ]
  })
  await add('the database', () => databaseChecks(url, isShared))
  const redisUrl = redis
  if (redisUrl !== undefined) await add('Redis', () => checkRedis(redisUrl, { isShared, namespace }))
  return checks
}

async function databaseChecks(url: string | undefined, isShared: boolean): Promise<readonly Check[]> {
  if (url === undefined)
    return [warn('no database was checked', 'Set DATABASE_URL, or run: npx sluice doctor <url>')]
  try {
    const connection = await openConnection(url)
    try {
      return [
        ok(`connected to ${connection.address}`),
        ...(await checkDatabase(connection, { isShared, hasScratch: isInstalled('@electric-sql/pglite') })),
      ]
    } finally {
      await connection.close().catch(() => {})
    }
  } catch (error) {
    if (error instanceof ConnectError)
      return [{ ...fail(error.message, 'Start the database, or correct its URL.'), isUnreachable: true }]
    if (error instanceof UsageError) return [fail('the database was not checked', error.message)]
    throw error
  }
}

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const
const INDENT = 6

/** Formats checks for a terminal. Ends with a line break. */
function doctorReport(
  checks: readonly Check[],
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const lines = [paint('bold', 'sluice doctor')]
  const rest = ' '.repeat(INDENT)
  for (const { level, text, fix } of checks) {
    const [first = '', ...more] = wrapped(text, width - INDENT)
    lines.push(
      `${paint(STYLES[level], level)}${' '.repeat(INDENT - level.length)}${first}`,
      ...more.map((line) => `${rest}${line}`),
    )
    if (fix !== undefined)
      lines.push(...wrapped(`fix: ${fix}`, width - INDENT).map((line) => paint('dim', `${rest}${line}`)))
  }
  const count = (level: Check['level']) => checks.filter((check) => check.level === level).length
  const parts = [
    `${count('ok')} ok`,
    ...(count('warn') > 0 ? [counted(count('warn'), 'warning')] : []),
    ...(count('skip') > 0 ? [`${count('skip')} skipped`] : []),
    ...(count('fail') > 0 ? [counted(count('fail'), 'failure')] : []),
  ]
  return `${[...lines, '', parts.join(' · ')].join('\n')}\n`
}
