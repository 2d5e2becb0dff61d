// Writes the tables of clients in the documentation from the programs that the tests of `sluice/register`
// run, and from the versions that are installed for them. With `--check`, it writes nothing, and fails if a
// table is not up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MYSQL_CASES } from '../test/register/cases/mysql.ts'
import { POSTGRESQL_CASES } from '../test/register/cases/postgresql.ts'
import { NODE_SQLITE, SQLITE_CASES, SQLITE3_CASES } from '../test/register/cases/sqlite.ts'

const root = join(import.meta.dirname, '..')
/** Clients that the tests do not install: the version that was tested by hand. */
const OTHER_VERSIONS = { sqlite3: '6.0.1' }

const cases = [...POSTGRESQL_CASES, ...MYSQL_CASES, ...SQLITE_CASES, ...SQLITE3_CASES, NODE_SQLITE]

function versionOf(name) {
  if (name in OTHER_VERSIONS) return OTHER_VERSIONS[name]
  return JSON.parse(readFileSync(join(root, 'test/node_modules', name, 'package.json'), 'utf8')).version
}

/** One row for the versions of a client. */
const rows = new Map()
for (const one of cases) {
  const { client, on, packages, findings, located = findings, fixed = findings, fixes, optimized } = one
  const row = {
    client: on === undefined ? client : `${client} on ${on}`,
    isDriver: on === undefined && client.startsWith('`'),
    versions: new Set(packages.length === 0 ? ['Node 22, 24'] : packages.map(versionOf)),
    found: [findings, located, fixed],
    fix: fixes[0],
    optimized: Array.isArray(optimized) ? optimized.join(' → ') : (optimized ?? 'No'),
  }
  const known = rows.get(row.client)
  if (known === undefined) rows.set(row.client, row)
  else {
    if (String(known.found) !== String(row.found) || known.optimized !== row.optimized)
      throw new Error(`The programs of ${row.client} differ: one row cannot describe them.`)
    for (const version of row.versions) known.versions.add(version)
  }
}

/** ORMs and their versions come first, in the order of names. */
const sorted = [...rows.values()].sort(
  (a, b) => Number(a.isDriver) - Number(b.isDriver) || nameOf(a).localeCompare(nameOf(b), 'en'),
)

function nameOf({ client }) {
  return client.replace(/[[`]/g, '')
}

function table(header, lines) {
  const width = (at) => Math.max(...[header, ...lines].map((line) => line[at].length))
  const print = (line) => `| ${line.map((text, at) => text.padEnd(width(at))).join(' | ')} |`
  return [
    print(header),
    `| ${header.map((_, at) => '-'.repeat(width(at))).join(' | ')} |`,
    ...lines.map(print),
  ].join('\n')
}

const code = (text) => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``)
const versions = (row) => [...row.versions].join(', ')
const tables = {
  'docs/guides/without-code.md': table(
    ['Client', 'Tested versions', 'Findings', 'Call sites', 'Fixes', 'Statements in `optimize`'],
    sorted.map((row) => [row.client, versions(row), ...row.found.map(String), row.optimized]),
  ),
  'docs/guides/drivers.md': table(
    ['Driver', 'Tested versions', 'Fix', 'Statements in `optimize`'],
    sorted
      .filter(({ isDriver }) => isDriver)
      .map((row) => [row.client, versions(row), code(row.fix), row.optimized]),
  ),
}

const START = '<!-- The next table is generated: pnpm run generate:clients -->'
const END = '<!-- End of the generated table -->'
const isCheck = process.argv.includes('--check')
for (const [path, text] of Object.entries(tables)) {
  const file = join(root, path)
  const page = readFileSync(file, 'utf8')
  const [before, rest] = page.split(`${START}\n`)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`${path} has no place for the table.`)
  const updated = `${before}${START}\n\n${text}\n\n${END}${after}`
  if (updated === page) continue
  if (!isCheck) writeFileSync(file, updated)
  else {
    console.error(`${path}: the table of clients is not up to date. Run pnpm run generate:clients`)
    process.exitCode = 1
  }
}
