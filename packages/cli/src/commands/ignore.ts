import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { plainLine } from '@sluice/core/siblings'
import { type Command, colorOf, colorOptions, EXIT, InputError, type Output, UsageError } from '../command.ts'
import { dashboardHelp, dashboardOf, dashboardOptions } from '../dashboard/dashboard-options.ts'
import { readFindings } from '../dashboard/protocol.ts'
import { type Paint, paintWith, usesColor } from '../report/cells.ts'
import { type IgnoredFinding, type IgnoreJson, jsonText } from '../report/json-output.ts'
import { progressOn } from './progress.ts'

const DEFAULT_FILE = 'sluice/ignore.json'

const help = `sluice ignore <id>... [options]

Hides a finding that is known and intentional: Sluice then neither reports nor throws it. The id is in the
report, on the dashboard, and in an NPlusOneError. Load the file in your app:

  import { createSluice, readIgnoreFile } from '@sluice/core'
  createSluice({ detection: { ignore: readIgnoreFile() } })

  <id>                  id of a finding (3ac91e00), or the fingerprint of a query, for any call site
  --reason <text>       reason, for readers of the file
  --list                prints the ignored findings
  --remove              removes the ids
  --file <path>         the file (${DEFAULT_FILE})
  --json                prints the ignored findings as JSON
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

With a dashboard, it looks up the ids, rejects unknown ones, and stores the descriptions of the findings:
${dashboardHelp.replace(/\n *\(SLUICE_URL\)/, '')}

Exit codes: 0 finished, 2 invalid arguments, 3 cannot connect to the dashboard, 130 interrupted.
`

const options = {
  ...dashboardOptions,
  ...colorOptions,
  reason: { type: 'string' },
  list: { type: 'boolean' },
  remove: { type: 'boolean' },
  file: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `sluice ignore` */
export const ignore: Command = {
  summary: 'hide a finding that is known and intentional',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const { list = false, remove = false, reason, json = false, file = DEFAULT_FILE } = values
    const ids = positionals.map(idOf)
    if (list && (ids.length > 0 || remove)) throw new UsageError('--list accepts neither an id nor --remove')
    if (!list && ids.length === 0)
      throw new UsageError('expected the id of a finding, such as 3ac91e00, or --list')
    if (reason !== undefined && (list || remove))
      throw new UsageError('--reason has no effect with --list or --remove: omit it')
    const found = await readIgnoreList(file)
    const known = found ?? []
    const paint = paintWith(usesColor(colorOf(values), output.isTerminal === true))
    const after = list
      ? known
      : remove
        ? without(known, ids, file)
        : [...known, ...(await added(ids, known, values, output))]
    if (!list) await writeIgnoreList(file, after)
    output.out(
      json
        ? jsonText<IgnoreJson>({ schemaVersion: 1, findings: after })
        : list
          ? listOf(after, file, paint)
          : changeOf(ids, file, { remove, isNew: found === undefined, paint }),
    )
    return EXIT.ok
  },
}

/** @throws UsageError for an invalid id, because it would hide nothing without notice. */
function idOf(input: string): string {
  const id = input.toLowerCase()
  if (/^(?:[0-9a-f]{8}|[0-9a-f]{16})$/.test(id)) return id
  throw new UsageError(
    `expected an id of 8 characters, such as 3ac91e00, or a fingerprint of 16, got "${input}"`,
  )
}

interface IgnoreArguments {
  readonly url?: string | undefined
  readonly token?: string | undefined
  readonly header?: string[] | undefined
  readonly reason?: string | undefined
}

async function added(
  ids: readonly string[],
  known: readonly IgnoredFinding[],
  input: IgnoreArguments,
  output: Output,
): Promise<IgnoredFinding[]> {
  const { reason } = input
  const fresh = [...new Set(ids)].filter((id) => known.every((one) => one.id !== id))
  const described = input.url === undefined ? new Map<string, string>() : await lookedUp(fresh, input, output)
  const ignoredAt = new Date().toISOString().slice(0, 10)
  return fresh.map((id) => {
    const what = described.get(id)
    return {
      id,
      ...(what === undefined ? {} : { what }),
      ...(reason === undefined ? {} : { reason }),
      ignoredAt,
    }
  })
}

/** @throws InputError if the app has no finding with an id. */
async function lookedUp(
  ids: readonly string[],
  input: IgnoreArguments,
  output: Output,
): Promise<Map<string, string>> {
  const client = dashboardOf(input)
  const progress = progressOn(output)
  progress.update(`Connecting to ${client.address}`)
  const findings = readFindings(await client.json('api/findings').finally(() => progress.end()))
  return new Map(
    ids.map((id) => {
      const one = findings.find((finding) => finding.id === id)
      if (one === undefined && id.length === 8)
        throw new InputError(`${id}: no finding with this id at ${client.address}`)
      return [id, one === undefined ? 'a fingerprint' : `${one.title} ${one.scope}: ${one.label}`]
    }),
  )
}

function without(known: readonly IgnoredFinding[], ids: readonly string[], file: string): IgnoredFinding[] {
  const missing = ids.find((id) => known.every((one) => one.id !== id))
  if (missing !== undefined) throw new InputError(`${missing} is not in ${file}`)
  return known.filter(({ id }) => !ids.includes(id))
}

function listOf(findings: readonly IgnoredFinding[], file: string, paint: Paint): string {
  if (findings.length === 0) return `No ignored findings in ${file}.\n`
  return findings
    .map(({ id, ignoredAt = '', what, reason }) => {
      const lines = [what, reason]
        .filter((text) => text !== undefined)
        .map((text) => `  ${plainLine(text)}\n`)
      return `${paint('bold', plainLine(id))}  ${paint('dim', plainLine(ignoredAt))}\n${lines.join('')}`
    })
    .join('')
}

interface Change {
  readonly remove: boolean
  readonly isNew: boolean
  readonly paint: Paint
}

function changeOf(ids: readonly string[], file: string, { remove, isNew, paint }: Change): string {
  const done = `${remove ? 'no longer ignored' : 'ignored'} from the next start of the app: ${ids.join(', ')}  (${file})\n`
  if (!isNew || remove) return done
  return `${done}${paint('dim', 'load it: createSluice({ detection: { ignore: readIgnoreFile() } })')}\n`
}

const SCHEMA_VERSION = 1

/**
 * @returns `undefined` if the file does not exist.
 * @throws InputError if its content is invalid.
 */
async function readIgnoreList(path: string): Promise<readonly IgnoredFinding[] | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new InputError(`${path}: ${(error as Error).message}`)
  }
  const findings = findingsIn(text)
  if (findings === undefined)
    throw new InputError(`${path}: expected a file written by sluice ignore. The file was not changed`)
  return findings
}

/** Sorted by id, so that two branches that each add one rarely conflict. */
async function writeIgnoreList(path: string, findings: readonly IgnoredFinding[]): Promise<void> {
  const sorted = [...findings].sort((a, b) => (a.id < b.id ? -1 : 1))
  await mkdir(dirname(path), { recursive: true })
  // Atomic, because an app can read the file at the same time.
  const half = `${path}.${process.pid}.tmp`
  await writeFile(half, jsonText<IgnoreJson>({ schemaVersion: SCHEMA_VERSION, findings: sorted }))
  await rename(half, path)
}

function findingsIn(text: string): IgnoredFinding[] | undefined {
  try {
    const { schemaVersion, findings } = JSON.parse(text) as {
      readonly schemaVersion?: unknown
      readonly findings?: unknown
    }
    if (schemaVersion !== SCHEMA_VERSION || !Array.isArray(findings)) return undefined
    return findings.every((one: IgnoredFinding) => typeof one.id === 'string' && one.id !== '')
      ? findings
      : undefined
  } catch {
    return undefined
  }
}
