// Sets up a fresh clone on a machine with only Node, then runs one task: demo, cluster, scaling, test or
// test:all.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const read = (name) => readFileSync(join(root, name), 'utf8')
const shell = process.platform === 'win32'
const env = { ...process.env, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' }
for (const name of Object.keys(env))
  if (/^npm_(package|lifecycle)_|^npm_(command|execpath)$/i.test(name)) delete env[name]
// `prisma generate` never runs the schema engine; a stub keeps it from being downloaded.
if (!shell) env.PRISMA_SCHEMA_ENGINE_BINARY ??= '/bin/true'
// Addons compile against this Node's own headers where it has them (plain `=`: npm exports the user's
// nodedir).
const prefix = join(process.execPath, '../..')
if (existsSync(join(prefix, 'include/node/node_version.h'))) env.npm_config_nodedir = prefix

function run(command, args, stdio, cwd = root) {
  const { status, signal, error } = spawnSync(command, args, { cwd, env, stdio, shell })
  if (error) console.error(error.message)
  if (signal === 'SIGINT') process.exit(130)
  if (status !== 0) process.exit(status ?? 1)
}
// Setup prints to stderr: stdout belongs to the task.
const pnpm = (...args) =>
  run('npx', ['--yes', JSON.parse(read('package.json')).packageManager, ...args], ['ignore', 2, 2])

const stamp = join(root, 'node_modules/.cache/sluice-setup')
const inputs = read('pnpm-lock.yaml') + read('pnpm-workspace.yaml') + process.versions.modules
const state = createHash('sha256').update(inputs).digest('hex')
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== state) {
  pnpm('install', '--frozen-lockfile')
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, state)
}
// The Prisma generator is one of our packages: build first, then generate.
pnpm('run', 'build')
pnpm('run', 'generate')
const [task, ...rest] = process.argv.slice(2)
const example = { demo: 'atlas', cluster: 'cluster', scaling: 'cluster' }[task]
if (example !== undefined)
  run(
    process.execPath,
    ['--import', 'tsx', `src/${task}.ts`, ...rest],
    'inherit',
    join(root, 'examples', example),
  )
else {
  // Random schemas are only for slow tests, and take as long as all other Prisma clients. `typecheck`
  // includes the tests of types: to compile everything a second time takes minutes.
  if (task === 'test:all') pnpm('run', 'generate:random')
  // Processes of tests load built packages faster than sources.
  env.SLUICE_TEST_BUILT = 'true'
  const names = ['unit', 'isolated', 'integration', ...(task === 'test:all' ? ['slow', 'browser'] : [])]
  const projects = names.flatMap((name) => ['--project', name])
  run(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...projects, ...rest],
    ['ignore', 'inherit', 'inherit'],
  )
}
