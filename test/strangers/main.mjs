// Installs the packages as published in apps outside of the workspace, and runs the checks of each: it
// builds, its N+1 query is reported, and its budgets hold. It needs a registry.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packAll } from '../../scripts/pack.mjs'

const PNPM = 'pnpm@10.34.9'
/** How each package manager installs a project. */
const MANAGERS = {
  npm: ['npm', 'install', '--no-audit', '--no-fund'],
  pnpm: ['npx', '--yes', PNPM, 'install', '--ignore-workspace'],
  // It installs each package of `resolutions`, and some require Node 22, like dependencies of Fastify.
  yarn: ['npx', '--yes', 'yarn@1.22.22', 'install', '--no-lockfile', '--non-interactive', '--ignore-engines'],
}
const root = join(import.meta.dirname, '../..')
// Version 13 contains its binaries, and does not support Node 20.
const sqlite = Number(process.versions.node.split('.')[0]) >= 22 ? '^13.0.0' : workspaceSqlite()
const projects = readdirSync(import.meta.dirname).filter((name) =>
  existsSync(join(import.meta.dirname, name, 'package.json')),
)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    manager: { type: 'string', multiple: true, default: Object.keys(MANAGERS) },
    without: { type: 'string', multiple: true, default: [] },
  },
})
const named = [...positionals, ...values.without]
const chosen = (positionals.length === 0 ? projects : positionals).filter(
  (name) => !values.without.includes(name),
)
const unknown =
  named.find((name) => !projects.includes(name)) ?? values.manager.find((name) => !(name in MANAGERS))
if (unknown !== undefined) {
  console.error(
    `Expected projects and --without among ${projects.join(', ')}, and --manager among ${Object.keys(MANAGERS).join(', ')}; got "${unknown}".`,
  )
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-strangers-'))
const env = {
  ...process.env,
  NEXT_TELEMETRY_DISABLED: '1',
  // Its cache returns the tarball that it saw first under a name and version.
  YARN_CACHE_FOLDER: join(folder, 'yarn'),
  PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? '/bin/true',
}
let failed = 0
try {
  const packed = packAll(join(folder, 'packed'))
  for (const name of chosen) {
    for (const manager of values.manager) {
      const startedAt = performance.now()
      const problem = check(name, manager, packed)
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
      const verdict = problem === undefined ? 'passed' : 'FAILED'
      console.log(
        `${verdict}  Node ${process.version}  ${manager.padEnd(4)}  ${name}  ${seconds} s${problem === undefined ? '' : `\n${problem}`}`,
      )
      if (problem !== undefined) failed += 1
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
process.exit(failed === 0 ? 0 : 1)

/** @returns The output of the step that failed; `undefined` if all passed. */
function check(name, manager, packed) {
  const project = join(folder, `${name}-${manager}`)
  cpSync(join(import.meta.dirname, name), project, { recursive: true })
  const path = join(project, 'package.json')
  writeFileSync(path, JSON.stringify(withPacked(JSON.parse(readFileSync(path, 'utf8')), packed), null, 2))
  try {
    run([...MANAGERS[manager], '--ignore-scripts'], project)
    addBinary(project)
    run(['npm', 'run', 'check'], project)
    return undefined
  } catch (error) {
    return error.message
  } finally {
    rmSync(project, { recursive: true, force: true, maxRetries: 5 })
  }
}

function workspaceSqlite() {
  const manifest = join(root, 'test/node_modules/better-sqlite3/package.json')
  return JSON.parse(readFileSync(manifest, 'utf8')).version
}

/** The one that this repository uses: to compile it takes a minute. */
function addBinary(project) {
  if (sqlite.startsWith('^')) return
  const binary = 'build/Release/better_sqlite3.node'
  cpSync(
    join(root, 'test/node_modules/better-sqlite3', binary),
    join(realpathSync(join(project, 'node_modules/better-sqlite3')), binary),
  )
}

/** Takes Sluice's packages from their tarballs, wherever they are required. */
function withPacked(manifest, packed) {
  const files = Object.fromEntries(packed.map(({ manifest: { name }, path }) => [name, `file:${path}`]))
  // Prisma's adapters require an older better-sqlite3.
  const given = { ...files, 'better-sqlite3': sqlite }
  const from = (dependencies = {}) =>
    Object.fromEntries(Object.entries(dependencies).map(([name, range]) => [name, given[name] ?? range]))
  return {
    ...manifest,
    dependencies: from(manifest.dependencies),
    devDependencies: from(manifest.devDependencies),
    overrides: given,
    resolutions: given,
    pnpm: { overrides: given, onlyBuiltDependencies: ['better-sqlite3', '@prisma/client', 'prisma'] },
  }
}

/** @throws Error with the output of the command if it fails. */
function run([command, ...args], cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? status}\n${stdout}${stderr}`)
}
