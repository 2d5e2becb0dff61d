import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { packAll } from '../../../scripts/pack.mjs'
import type { RealApp } from './real-app.ts'

type Packed = ReturnType<typeof packAll>[number]

/** An app that was installed and prepared. */
export interface InstalledApp {
  readonly folder: string
  /** The executable of Node that runs the app. */
  readonly node: string
  /** Runs a command in its folder. */
  run(command: readonly string[], environment?: Readonly<Record<string, string>>): void
}

/**
 * Installs an app from npm, with the packages of this checkout, and prepares it. Later calls reuse the other
 * packages.
 *
 * @param nodeVersion - The version of Node that runs it, such as `24.21.0`.
 */
export function install(app: RealApp, nodeVersion: string): InstalledApp {
  const root = process.env.SLUICE_APPS_FOLDER ?? join(homedir(), '.cache', 'sluice-apps')
  const source = join(import.meta.dirname, app.name)
  const pinned = app.tarball ?? readFileSync(join(source, 'package.json'), 'utf8')
  const version = createHash('sha256').update(`${nodeVersion} ${pinned}`).digest('hex').slice(0, 12)
  const folder = join(root, `${app.name}-${version}`)
  mkdirSync(folder, { recursive: true })
  const node = installNode(root, nodeVersion)
  const installed: InstalledApp = {
    folder,
    node,
    run: (command, environment) => run(folder, node, command, environment),
  }
  const manifestPath = join(folder, 'package.json')
  if (app.tarball !== undefined && !existsSync(manifestPath)) unpack(installed, app.tarball)
  cpSync(source, folder, { recursive: true })
  const isNew = !existsSync(join(folder, 'node_modules'))
  const packed = mkdtempSync(join(tmpdir(), 'sluice-packed-'))
  try {
    const tarballs = tarballsOf([...app.packages, 'sluice'], packAll(packed))
    const ours = Object.fromEntries(tarballs.map(({ manifest: { name }, path }) => [name, `file:${path}`]))
    const { dependencies, overrides, ...rest } = JSON.parse(readFileSync(manifestPath, 'utf8'))
    const manifest = {
      ...rest,
      dependencies: { ...dependencies, ...ours },
      overrides: { ...overrides, ...ours },
    }
    writeFileSync(manifestPath, JSON.stringify(manifest, undefined, 2))
    for (const ours of isNew ? [] : ['@sluice', 'sluice'])
      rmSync(join(folder, 'node_modules', ours), { recursive: true, force: true })
    rmSync(join(folder, 'package-lock.json'), { force: true })
    installed.run(['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'])
  } finally {
    rmSync(packed, { recursive: true, force: true })
  }
  for (const command of app.prepare) installed.run(command)
  return installed
}

function installNode(root: string, version: string): string {
  if (version === process.versions.node) return process.execPath
  const folder = join(root, `node-${version}`)
  const node = join(folder, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    run(folder, process.execPath, ['npm', 'install', '--no-audit', '--no-fund', `node@${version}`])
  }
  return node
}

/** Puts the files of a package into the app's folder. */
function unpack({ folder, run }: InstalledApp, name: string): void {
  run(['npm', 'pack', name])
  run(['sh', '-c', 'tar --extract --gzip --strip-components=1 --file *.tgz && rm *.tgz'])
  if (!existsSync(join(folder, 'package.json'))) throw new Error(`Expected a package.json in ${name}.`)
}

/** The packages, and those of this checkout that they depend on. */
function tarballsOf(names: readonly string[], packed: readonly Packed[]): readonly Packed[] {
  const found = new Map<string, Packed>()
  const add = (name: string) => {
    const one = packed.find(({ manifest }) => manifest.name === name)
    if (one === undefined || found.has(name)) return
    found.set(name, one)
    for (const dependency of Object.keys(one.manifest.dependencies ?? {})) add(dependency)
  }
  for (const name of names) add(name)
  return [...found.values()]
}

function run(
  folder: string,
  node: string,
  [command = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? '/bin/true',
      DATABASE_URL: 'postgresql://127.0.0.1:1/none',
      NEXT_TELEMETRY_DISABLED: '1',
      ...environment,
    },
  })
  if (status !== 0)
    throw new Error(
      `${command} ${args.join(' ')} failed in ${folder}: ${error ?? status}\n${stdout}\n${stderr}`,
    )
}
