import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { packAll } from '../../../scripts/pack.mjs'
import type { RealApp } from './real-app.ts'

type Packed = ReturnType<typeof packAll>[number]

/**
 * Installs an app from npm, with the packages of this checkout, and prepares it. Later calls reuse the other
 * packages.
 *
 * @returns The app's folder.
 */
export function install(app: RealApp): string {
  const source = join(import.meta.dirname, app.name)
  const manifest = readFileSync(join(source, 'package.json'), 'utf8')
  const version = createHash('sha256').update(manifest).digest('hex').slice(0, 12)
  const root = process.env.SLUICE_APPS_FOLDER ?? join(homedir(), '.cache', 'sluice-apps')
  const folder = join(root, `${app.name}-${version}`)
  mkdirSync(folder, { recursive: true })
  cpSync(source, folder, { recursive: true })
  const isNew = !existsSync(join(folder, 'node_modules'))
  const packed = mkdtempSync(join(tmpdir(), 'sluice-packed-'))
  try {
    const tarballs = tarballsOf(app.packages, packAll(packed))
    const overrides = Object.fromEntries(
      tarballs.map(({ manifest: { name }, path }) => [name, `file:${path}`]),
    )
    const { dependencies, ...rest } = JSON.parse(manifest)
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ ...rest, dependencies: { ...dependencies, ...overrides }, overrides }, undefined, 2),
    )
    if (!isNew) rmSync(join(folder, 'node_modules', '@sluice'), { recursive: true, force: true })
    rmSync(join(folder, 'package-lock.json'), { force: true })
    run(folder, ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'])
  } finally {
    rmSync(packed, { recursive: true, force: true })
  }
  for (const command of app.prepare) run(folder, command)
  return folder
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

function run(folder: string, [command = '', ...args]: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? '/bin/true',
      DATABASE_URL: 'postgresql://127.0.0.1:1/none',
      NEXT_TELEMETRY_DISABLED: '1',
    },
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed in ${folder}:\n${stdout}\n${stderr}`)
}
